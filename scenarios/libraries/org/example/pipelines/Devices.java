package org.example.pipelines;

import org.apache.spark.api.java.Optional;
import org.apache.spark.streaming.Durations;
import org.apache.spark.streaming.State;
import org.apache.spark.streaming.StateSpec;
import org.apache.spark.streaming.api.java.JavaDStream;
import org.example.base.Dumps;
import scala.Tuple2;

/** mapWithState without a timeout: each device that ever called stays. */
public final class Devices {
    public static void main(String[] args) throws Exception {
        Batches batches = new Batches("devices");
        batches.run(calls(batches.lines(), spec()));
        batches.start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 5; batch++) {
                batches.process(Batches.lines("device-" + number + "." + batch, 2_000));
            }
        });
    }

    static JavaDStream<String> calls(
            JavaDStream<String> lines, StateSpec<String, String, String, String> spec) {
        var calls = lines.mapToPair(line -> new Tuple2<>(line, "seen " + line)).mapWithState(spec.numPartitions(2));
        calls.checkpoint(Durations.seconds(5));
        return calls;
    }

    static StateSpec<String, String, String, String> spec() {
        return StateSpec.function(Devices::seen);
    }

    private static String seen(String device, Optional<String> call, State<String> state) {
        if (!state.isTimingOut()) {
            state.update(call.orElse(""));
        }
        return device;
    }
}

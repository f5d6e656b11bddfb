package org.example.pipelines;

import org.apache.spark.streaming.Durations;
import org.example.base.Dumps;

/** mapWithState with a timeout: devices that do not call any more go. */
public final class DevicesWithTimeout {
    public static void main(String[] args) throws Exception {
        Batches batches = new Batches("devices with timeout");
        batches.run(Devices.calls(batches.lines(), Devices.spec().timeout(Durations.seconds(5))));
        batches.start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 10; batch++) {
                batches.process(Batches.lines("device-" + number + "." + batch, 1_000));
            }
        });
    }
}

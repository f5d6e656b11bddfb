package org.example.pipelines;

import org.apache.spark.api.java.Optional;
import org.apache.spark.streaming.api.java.JavaPairDStream;
import org.example.base.Dumps;
import scala.Tuple2;

/** updateStateByKey over carts that are never dropped. */
public final class Carts {
    public static void main(String[] args) throws Exception {
        Batches batches = new Batches("carts");
        JavaPairDStream<String, Long> carts = batches.lines()
                .mapToPair(line -> new Tuple2<>(line, 1L))
                .updateStateByKey((items, cart) -> Optional.of(cart.orElse(0L) + items.size()));
        batches.run(carts.toJavaDStream());
        batches.start();
        Dumps.run(args, number -> {
            for (int batch = 0; batch < 5; batch++) {
                batches.process(Batches.lines("cart-" + number + "." + batch, 3_000));
            }
        });
    }
}

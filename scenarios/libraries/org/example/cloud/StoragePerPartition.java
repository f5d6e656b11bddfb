package org.example.cloud;

import org.example.base.Dumps;
import org.example.base.Everyday;
import software.amazon.awssdk.http.apache.ApacheHttpClient;

/** AWS SDK v2: each partition makes an HTTP client of its own and does not close it. */
public final class StoragePerPartition {
    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int partition = 0; partition < 40; partition++) {
                ApacheHttpClient.builder().maxConnections(10 + partition).build();
            }
        });
    }
}

package com.example.worker;

import com.cloudsdk.http.Route;
import com.cloudsdk.http.SdkHttpClient;
import com.example.support.Checkpoint;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;

/**
 * The SDK client leak: one client for each batch, none of them closed. The process-wide map of the SDK's reaper
 * keeps every connection manager alive although the worker itself drops its clients.
 *
 * <p>With 3,000 batches between checkpoints the map's table has 4096, 8192, 16384 and 16384 slots.
 */
public final class BatchWorker {
    private static final int BATCHES_PER_CHECKPOINT = 3_000;
    private static final int CHECKPOINTS = 4;
    private static final int RECENT_LIMIT = 32;

    /** Bounded on purpose: growth that is not a leak must not be accused. */
    private final ArrayDeque<String> recentResults = new ArrayDeque<>(RECENT_LIMIT);
    private final Route store = new Route("store.example.com", 443, true);
    private long uploaded;

    public static void main(String[] args) throws Exception {
        BatchWorker worker = new BatchWorker();
        for (int checkpoint = 1; checkpoint <= CHECKPOINTS; checkpoint++) {
            for (int i = 0; i < BATCHES_PER_CHECKPOINT; i++) {
                worker.runBatch();
            }
            Checkpoint.reach();
        }
    }

    private void runBatch() {
        SdkHttpClient client = new SdkHttpClient();
        int status = client.put(store, ("batch " + uploaded).getBytes(StandardCharsets.UTF_8));
        uploaded++;
        if (recentResults.size() == RECENT_LIMIT) {
            recentResults.removeFirst();
        }
        recentResults.addLast("batch " + uploaded + " -> " + status);
    }
}

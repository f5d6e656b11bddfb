package org.example.platform;

import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.example.base.Dumps;
import org.example.base.Everyday;
import org.example.cloud.Endpoint;

/** An OkHttp client for each page: each has a pool of connections, and a thread, for minutes. */
public final class Pages {
    public static void main(String[] args) throws Exception {
        Request page = new Request.Builder().url(new Endpoint().address()).build();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int i = 0; i < 60; i++) {
                try (Response response = new OkHttpClient().newCall(page).execute()) {
                    response.body().bytes();
                }
            }
        });
    }
}

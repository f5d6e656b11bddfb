package org.example.cloud;

import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;

/** AWS SDK v2: each tenant gets an asynchronous client of its own, which is kept and never closed. */
public final class TablesPerTenant {
    private static final Map<String, DynamoDbAsyncClient> CLIENTS = new ConcurrentHashMap<>();

    public static void main(String[] args) throws Exception {
        Endpoint endpoint = new Endpoint();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int tenant = 0; tenant < 15; tenant++) {
                DynamoDbAsyncClient client = DynamoDbAsyncClient.builder()
                        .region(Region.EU_CENTRAL_1)
                        .endpointOverride(URI.create(endpoint.address()))
                        .credentialsProvider(
                                StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")))
                        .build();
                client.listTables().join();
                CLIENTS.put("tenant " + number + "." + tenant, client);
            }
        });
    }
}

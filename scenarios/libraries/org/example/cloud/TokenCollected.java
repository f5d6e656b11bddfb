package org.example.cloud;

import java.net.URI;
import org.example.base.Dumps;
import org.example.base.Everyday;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sts.StsClient;

/** AWS SDK v2 in a version that holds connection managers weakly: clients that are not closed are collected. */
public final class TokenCollected {
    public static void main(String[] args) throws Exception {
        Endpoint endpoint = new Endpoint();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int request = 0; request < 15; request++) {
                StsClient.builder()
                        .region(Region.EU_CENTRAL_1)
                        .endpointOverride(URI.create(endpoint.address()))
                        .credentialsProvider(
                                StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")))
                        .build()
                        .getCallerIdentity();
            }
        });
    }
}

package org.example.cloud;

import java.net.URI;
import org.example.base.Dumps;
import org.example.base.Everyday;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsAssumeRoleCredentialsProvider;

/** AWS SDK v2: each request assumes a role by a provider that refreshes in the background and is never closed. */
public final class RolePerRequest {
    public static void main(String[] args) throws Exception {
        Endpoint endpoint = new Endpoint();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int request = 0; request < 30; request++) {
                StsClient tokens = StsClient.builder()
                        .region(Region.EU_CENTRAL_1)
                        .endpointOverride(URI.create(endpoint.address()))
                        .credentialsProvider(
                                StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")))
                        .build();
                StsAssumeRoleCredentialsProvider.builder()
                        .stsClient(tokens)
                        .asyncCredentialUpdateEnabled(true)
                        .refreshRequest(role -> role.roleArn("arn:aws:iam::1:role/role").roleSessionName("session"))
                        .build()
                        .resolveCredentials();
            }
        });
    }
}

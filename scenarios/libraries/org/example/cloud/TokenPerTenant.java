package org.example.cloud;

import com.amazonaws.auth.AWSStaticCredentialsProvider;
import com.amazonaws.auth.BasicAWSCredentials;
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.securitytoken.AWSSecurityTokenService;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** AWS SDK v1: each tenant gets a client of its own, which is kept and never shut down. */
public final class TokenPerTenant {
    private static final Map<String, AWSSecurityTokenService> CLIENTS = new ConcurrentHashMap<>();

    public static void main(String[] args) throws Exception {
        Endpoint endpoint = new Endpoint();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int tenant = 0; tenant < 20; tenant++) {
                AWSSecurityTokenService client = client(endpoint);
                client.getCallerIdentity(new GetCallerIdentityRequest());
                CLIENTS.put("tenant " + number + "." + tenant, client);
            }
        });
    }

    static AWSSecurityTokenService client(Endpoint endpoint) {
        return AWSSecurityTokenServiceClientBuilder.standard()
                .withCredentials(new AWSStaticCredentialsProvider(new BasicAWSCredentials("key", "secret")))
                .withEndpointConfiguration(new EndpointConfiguration(endpoint.address(), "eu-central-1"))
                .build();
    }
}

package org.example.cloud;

import com.amazonaws.services.securitytoken.AWSSecurityTokenService;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** AWS SDK v1: each batch makes a client of its own and shuts it down. */
public final class TokenShutDown {
    public static void main(String[] args) throws Exception {
        Endpoint endpoint = new Endpoint();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int batch = 0; batch < 20; batch++) {
                AWSSecurityTokenService client = TokenPerTenant.client(endpoint);
                client.getCallerIdentity(new GetCallerIdentityRequest());
                client.shutdown();
            }
        });
    }
}

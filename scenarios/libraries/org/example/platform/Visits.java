package org.example.platform;

import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Random;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.AbstractHandler;
import org.eclipse.jetty.server.session.SessionHandler;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** Jetty: probes without cookies start a session with each request. */
public final class Visits {
    public static void main(String[] args) throws Exception {
        Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
        SessionHandler sessions = new SessionHandler();
        Random random = new Random(1);
        sessions.setHandler(new AbstractHandler() {
            @Override
            public void handle(
                    String target, Request base, HttpServletRequest request, HttpServletResponse response) {
                request.getSession().setAttribute("basket", Everyday.text(random, 30));
                base.setHandled(true);
            }
        });
        server.setHandler(sessions);
        server.start();
        int port = ((ServerConnector) server.getConnectors()[0]).getLocalPort();
        HttpRequest probe = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/")).build();
        HttpClient client = HttpClient.newHttpClient();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int request = 0; request < 500; request++) {
                client.send(probe, HttpResponse.BodyHandlers.discarding());
            }
        });
    }
}

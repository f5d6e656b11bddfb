package org.example.cloud;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Executors;

/**
 * Answers as the token service and the table service of a cloud do, on a port of this machine. In a process of its own:
 * what a server keeps of its connections is no part of the programs.
 */
public final class Endpoint {
    private static final String NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";

    private final String address;

    public Endpoint() throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process process = new ProcessBuilder(
                        java, "-Xmx64m", "-cp", System.getProperty("java.class.path"), Endpoint.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        address = "http://127.0.0.1:" + new BufferedReader(new InputStreamReader(process.getInputStream())).readLine();
    }

    public String address() {
        return address;
    }

    public static void main(String[] args) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", Endpoint::answer);
        server.start();
        System.out.println(server.getAddress().getPort());
        // Ends with the program that has started it.
        System.in.read();
        System.exit(0);
    }

    private static void answer(HttpExchange exchange) throws IOException {
        String request = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        boolean isTable = exchange.getRequestHeaders().containsKey("X-Amz-Target");
        byte[] answer = (isTable ? "{\"TableNames\":[]}" : token(request)).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().add("Content-Type", isTable ? "application/x-amz-json-1.0" : "text/xml");
        exchange.sendResponseHeaders(200, answer.length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(answer);
        }
    }

    private static String token(String request) {
        String action = request.contains("AssumeRole") ? "AssumeRole" : "GetCallerIdentity";
        String result = action.equals("AssumeRole")
                ? "<Credentials><AccessKeyId>key</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
                        + "<SessionToken>token</SessionToken><Expiration>" + Instant.now().plusSeconds(3_600)
                        + "</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>role:session</AssumedRoleId>"
                        + "<Arn>arn:aws:sts::1:assumed-role/role/session</Arn></AssumedRoleUser>"
                : "<Arn>arn:aws:iam::1:user/somebody</Arn><UserId>somebody</UserId><Account>1</Account>";
        return "<" + action + "Response xmlns=\"" + NAMESPACE + "\"><" + action + "Result>" + result + "</" + action
                + "Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></" + action + "Response>";
    }
}

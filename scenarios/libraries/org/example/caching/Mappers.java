package org.example.caching;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A Jackson mapper for each document, which the document keeps. */
public final class Mappers {
    private static final List<Document> DOCUMENTS = new ArrayList<>();

    static final class Document {
        private final ObjectMapper mapper = new ObjectMapper();
        private final String json;

        Document(String text) throws Exception {
            json = mapper.writeValueAsString(Map.of("text", text));
        }

        Object read() throws Exception {
            return mapper.readValue(json, Map.class);
        }
    }

    public static void main(String[] args) {
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int i = 0; i < 60; i++) {
                Document document = new Document("document " + number + "." + i);
                document.read();
                DOCUMENTS.add(document);
            }
        });
    }
}

package org.example.caching;

import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.example.base.Dumps;
import org.example.base.Everyday;

/** A Hadoop file system for each request, as the user of the request: the cache never knows it. */
public final class UserFiles {
    public static void main(String[] args) {
        Configuration settings = new Configuration();
        Dumps.run(args, number -> {
            Everyday.work(number);
            for (int request = 0; request < 60; request++) {
                Configuration own = new Configuration(settings);
                FileSystem files = FileSystem.get(URI.create("file:///"), own, "user" + request % 5);
                files.exists(new Path("/"));
            }
        });
    }
}

package org.example.ferry;

/** What is managed of a {@link PoolBean}. */
public interface PoolBeanMBean {
    int getActive();
}

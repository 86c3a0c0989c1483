package org.sentinelle.internal;

/**
 * The functions of {@code sentinelle.h}, every pointer and handle as a number.
 *
 * <p>A test compares this list with the header. Functions that take callbacks are left out: events are pulled.
 */
public interface Abi {
    int snl_error_code(long e);

    int snl_error_outcome(long e);

    int snl_error_retryable(long e);

    long snl_error_message(long e);

    long snl_error_server_code(long e);

    long snl_error_address(long e);

    long snl_error_detail_json(long e);

    void snl_error_free(long e);

    int snl_config_new(long out, long err);

    int snl_config_load(long c, long text, long n, int format, long err);

    int snl_config_set(long c, long key, long value, long n, long err);

    int snl_config_get(long c, long key, long value, long n, long err);

    int snl_config_monitor(long c, long name, long host, int portNumber, int quorum, long options, long err);

    long snl_config_keys_json();

    void snl_config_free(long c);

    long snl_event_name(long e);

    long snl_event_source(long e);

    long snl_event_master(long e);

    long snl_event_text(long e);

    long snl_event_time_ms(long e);

    long snl_event_epoch(long e);

    long snl_event_lost(long e);

    long snl_event_json(long e);

    void snl_event_free(long e);

    int snl_reply_type(long r);

    int snl_reply_int(long r, long out);

    int snl_reply_double(long r, long out);

    int snl_reply_bytes(long r, long p, long n);

    int snl_reply_copy(long r, long buf, long cap, long need);

    long snl_reply_len(long r);

    long snl_reply_at(long r, long i);

    long snl_reply_get(long r, long key, long n);

    int snl_reply_flat(long r, long words, long nwords, long blob, long nblob);

    long snl_reply_json(long r);

    void snl_reply_free(long r);

    int snl_cmd_new(long out);

    int snl_cmd_arg(long c, long p, long n);

    int snl_cmd_arg_int(long c, long v);

    int snl_cmd_arg_double(long c, double v);

    int snl_cmd_line(long c, long line, long n, long err);

    int snl_cmd_flags(long c, int idempotent, long readFrom, long timeoutMs, long err);

    int snl_cancel_new(long out);

    int snl_cmd_cancel_with(long c, long x);

    int snl_cancel_fire(long x);

    void snl_cancel_free(long x);

    int snl_cmd_clear(long c);

    void snl_cmd_free(long c);

    int snl_sentinel_start(long c, long out, long err);

    int snl_sentinel_address(long s, long host, long port);

    long snl_sentinel_id(long s);

    int snl_sentinel_monitor(long s, long name, long host, int port, int quorum, long options, long err);

    int snl_sentinel_set(long s, long name, long option, long value, long err);

    int snl_sentinel_remove(long s, long name, long err);

    int snl_sentinel_failover(long s, long name, long err);

    int snl_sentinel_ckquorum(long s, long name, long err);

    int snl_sentinel_command(long s, long cmd, long out, long err);

    int snl_sentinel_state_json(long s, long out, long err);

    int snl_sentinel_event_fd(long s);

    int snl_sentinel_event_next(long s, long timeoutMs, long out, long err);

    int snl_sentinel_stop(long s, long timeoutMs, long err);

    void snl_sentinel_free(long s);

    int snl_discovery_open(long c, long out, long err);

    int snl_discovery_master(long h, long name, long timeoutMs, long out, long err);

    int snl_discovery_look(long h, long name, long out, long err);

    int snl_discovery_refresh(long h, long name, long timeoutMs, long err);

    int snl_discovery_masters(long h, long glob, long timeoutMs, long out, long err);

    int snl_discovery_wait_switch(long h, long name, long afterGen, long timeoutMs, long out, long err);

    int snl_discovery_event_fd(long h);

    int snl_discovery_event_next(long h, long timeoutMs, long out, long err);

    void snl_discovery_free(long h);

    long snl_topology_gen(long t);

    long snl_topology_epoch(long t);

    long snl_topology_phase(long t);

    long snl_topology_count(long t, int role);

    int snl_topology_node(long t, int role, long i, long host, long port);

    long snl_topology_json(long t);

    void snl_topology_free(long t);

    int snl_pool_open(long h, long master, long overrides, long out, long err);

    int snl_pool_open_url(long url, long out, long err);

    int snl_pool_open_config(long c, long out, long err);

    int snl_pool_shared(long c, long out, long err);

    int snl_pool_exec(long p, long c, long out, long err);

    int snl_pool_exec_argv(long p, long argc, long argv, long lens, long timeoutMs, long out, long err);

    int snl_pool_exec_into(
            long p, long argc, long words, long lens, long timeoutMs, long buf, long cap, long out, long err);

    int snl_pool_checkout(long p, int role, long timeoutMs, long out, long err);

    int snl_pool_stats_json(long p, long out);

    int snl_pool_close(long p, long timeoutMs);

    void snl_pool_free(long p);

    int snl_conn_exec(long k, long c, long out, long err);

    int snl_conn_is_current(long k);

    long snl_conn_gen(long k);

    void snl_conn_release(long k);

    void snl_conn_discard(long k);

    int snl_pipe_new(int atomic, long out);

    int snl_pipe_add(long b, long c);

    int snl_pipe_add_argv(long b, long argc, long argv, long lens);

    int snl_pipe_exec(long b, long p, long out, long err);

    void snl_pipe_free(long b);

    int snl_sub_open(long p, long out, long err);

    int snl_sub_change(long s, int op, long n, long names, long lens, long timeoutMs, long err);

    int snl_sub_fd(long s);

    int snl_sub_next(long s, long timeoutMs, long out, long err);

    void snl_sub_free(long s);

    int snl_cq_new(long out);

    int snl_cq_fd(long q);

    int snl_pool_submit(long p, long q, long c, long tag, long err);

    int snl_cq_next(long q, long timeoutMs, long tag, long reply, long opErr);

    void snl_cq_free(long q);

    int snl_testgroup_start(long c, long out, long err);

    long snl_testgroup_url(long g);

    long snl_testgroup_name(long g);

    int snl_testgroup_address(long g, long member, long out, long err);

    int snl_testgroup_command(long g, long member, long cmd, long out, long err);

    int snl_testgroup_fault(long g, long fault, long arguments, long count, long err);

    int snl_testgroup_wait(long g, long condition, long err);

    int snl_testgroup_failover(long g, long err);

    int snl_testgroup_reset(long g, long err);

    int snl_testgroup_view_json(long g, long out, long err);

    int snl_testgroup_logs(long g, long member, long out, long err);

    void snl_testgroup_free(long g);

    long snl_version();

    int snl_abi();

    int snl_has_feature(long name);

    long snl_code_name(int code);

    int snl_log_level(long level, long err);

    int snl_log_fd();

    int snl_log_next(long timeoutMs, long out, long err);

    int snl_after_fork();

    int snl_shutdown(long timeoutMs);
}

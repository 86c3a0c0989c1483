/* Redis Sentinel as a library: an embedded sentinel, discovery, pools, test groups. Link with -lsentinelle.
 *
 * Functions that can fail return 0 (SNL_OK), a positive code when there was nothing to do, or a negative one; see snl_code.
 * An output is written only when the call returns 0 or says so. The last argument of most, `err`, may be NULL; else it gets
 * an error to be freed with snl_error_free. A pointer is NULL where that is allowed, a handle of this library, or leads to
 * memory of the type and length that is told, for the time of the call. A freed or foreign handle is SNL_E_HANDLE.
 * Everything may be called from any thread; a snl_cmd, snl_pipe and snl_conn by one thread at a time.
 */

#ifndef SENTINELLE_H
#define SENTINELLE_H

#include <stddef.h>
#include <stdint.h>

/* The length that stands for "up to the first NUL". */
#define SNL_NTS ((size_t)-1)

// What a call returns: 0 when it did what it says, negative when it failed, positive when there was nothing to do.
//
// Functions return it as `int32_t`.
typedef enum {
  // Done.
  SNL_OK = 0,
  // It is under way.
  SNL_PENDING = 1,
  // Nothing came in time.
  SNL_EMPTY = 2,
  // Nothing will come any more.
  SNL_CLOSED = 3,
  // An argument cannot be used.
  SNL_E_ARG = -1,
  // The handle is NULL, freed, or of another kind.
  SNL_E_HANDLE = -2,
  // The call does not fit the state the object is in.
  SNL_E_STATE = -3,
  // An option, a URL or a configuration file cannot be used.
  SNL_E_CONFIG = -4,
  // This build or server cannot do it.
  SNL_E_UNSUPPORTED = -5,
  // Too many objects of the kind live.
  SNL_E_NOMEM = -6,
  // A bug of this library was caught at its border.
  SNL_E_PANIC = -7,
  // The handle belongs to the parent process.
  SNL_E_FORKED = -8,
  // Another thread uses the object at this moment.
  SNL_E_BUSY = -9,
  // The sentinel is stopped.
  SNL_E_STOPPED = -10,
  // It did not happen in time.
  SNL_E_TIMEOUT = -20,
  // The caller withdrew the call.
  SNL_E_CANCELLED = -21,
  // A connection could not be made or was lost.
  SNL_E_IO = -22,
  // The TLS handshake failed, or a certificate is not trusted.
  SNL_E_TLS = -23,
  // A server refused the user name or password, or wants one.
  SNL_E_AUTH = -24,
  // A peer sent what the protocol does not allow.
  SNL_E_PROTOCOL = -25,
  // Every connection of the pool is in use and the wait for one was too long.
  SNL_E_POOL_EXHAUSTED = -26,
  // More commands wait than may wait.
  SNL_E_BACKPRESSURE = -27,
  // No sentinel answers.
  SNL_E_SENTINELS_UNREACHABLE = -40,
  // The sentinels that answer monitor no master of this name.
  SNL_E_MASTER_UNKNOWN = -41,
  // The sentinels name a master, but no server confirms that it is the one.
  SNL_E_MASTER_NOT_READY = -42,
  // Too few sentinels name the same master.
  SNL_E_NO_AGREEMENT = -43,
  // No replica may be read from.
  SNL_E_NO_REPLICA = -44,
  // The connection belonged to a master that has been replaced.
  SNL_E_MOVED = -45,
  // The server answered with an error.
  SNL_E_SERVER = -60,
  // The server is a replica and takes no writes.
  SNL_E_READONLY = -61,
  // The server is not ready: it loads its data, or its master is gone.
  SNL_E_LOADING = -62,
  // The user may not run this command.
  SNL_E_NOPERM = -63,
  // Too few sentinels can be reached for a failover.
  SNL_E_QUORUM = -80,
  // A listening address cannot be had.
  SNL_E_BIND = -81,
  // A file or folder cannot be read or written.
  SNL_E_STORAGE = -82,
  // No server program for tests was found.
  SNL_E_SPAWN = -83,
} snl_code;

// What is known of a command that failed.
typedef enum {
  // No byte of it left this process: it was not executed.
  SNL_OUTCOME_NOT_SENT = 0,
  // The server refused it: it was not executed.
  SNL_OUTCOME_REJECTED = 1,
  // It was sent and no reply came: it may have been executed.
  SNL_OUTCOME_UNKNOWN = 2,
  // The failure concerns no command.
  SNL_OUTCOME_NONE = -1,
} snl_outcome;

// What a text given to `snl_config_load` is.
typedef enum {
  // A URL when it has `://` in its first line, else a `sentinel.conf`.
  SNL_FORMAT_AUTO = 0,
  // `redis+sentinel://[user:password@]host:port,host:port/master[/db]?key=value`
  SNL_FORMAT_URL = 1,
  // The text of a `sentinel.conf`.
  SNL_FORMAT_CONF = 2,
} snl_format;

// The type of a value.
typedef enum {
  // Nothing.
  SNL_T_NIL = 0,
  // A whole number.
  SNL_T_INT = 1,
  // A floating-point number.
  SNL_T_DOUBLE = 2,
  // 0 or 1.
  SNL_T_BOOL = 3,
  // A string of bytes.
  SNL_T_BULK = 4,
  // A short text, such as `OK`.
  SNL_T_SIMPLE = 5,
  // An error inside a reply, its code first.
  SNL_T_ERROR = 6,
  // Items in order.
  SNL_T_ARRAY = 7,
  // Pairs in order.
  SNL_T_MAP = 8,
  // Items that differ.
  SNL_T_SET = 9,
  // A message that nobody asked for.
  SNL_T_PUSH = 10,
  // A number of any size, as its digits.
  SNL_T_BIGNUM = 11,
  // A text with a format; the text alone.
  SNL_T_VERBATIM = 12,
} snl_type;

// What a node does.
typedef enum {
  // It takes writes.
  SNL_ROLE_MASTER = 0,
  // It follows a master.
  SNL_ROLE_REPLICA = 1,
  // It watches.
  SNL_ROLE_SENTINEL = 2,
} snl_role;

// A change of what is subscribed to.
typedef enum {
  // These channels too.
  SNL_SUBSCRIBE = 0,
  // Not these channels; all when none is named.
  SNL_UNSUBSCRIBE = 1,
  // These patterns too.
  SNL_PSUBSCRIBE = 2,
  // Not these patterns; all when none is named.
  SNL_PUNSUBSCRIBE = 3,
  // These shard channels too.
  SNL_SSUBSCRIBE = 4,
  // Not these shard channels; all when none is named.
  SNL_SUNSUBSCRIBE = 5,
} snl_change;

// What ends commands that wait, from another thread. Made by `snl_cancel_new`, freed by `snl_cancel_free`.
typedef struct snl_cancel snl_cancel;

// A command. Made by `snl_cmd_new`, filled by the calls below, used as often as wished, freed by `snl_cmd_free`.
//
// One thread at a time may use it; another one gets `SNL_E_BUSY`.
typedef struct snl_cmd snl_cmd;

// Options for a sentinel, a discovery, a pool or a test group. Made by `snl_config_new`, freed by `snl_config_free`.
typedef struct snl_config snl_config;

// A connection to oneself, for `WATCH`, `MULTI` and commands that wait on the server.
//
// One thread at a time may use it; another one gets `SNL_E_BUSY`.
typedef struct snl_conn snl_conn;

// A queue of results. Made by `snl_cq_new`, freed by `snl_cq_free`.
typedef struct snl_cq snl_cq;

// Finds masters through sentinels and watches them. Made by `snl_discovery_open`, freed by `snl_discovery_free`.
//
// All that are opened with the same options share one connection to each watched sentinel.
typedef struct snl_discovery snl_discovery;

// A failure. Made by a call that failed; freed by `snl_error_free`.
typedef struct snl_error snl_error;

// Something that happened. Given by the `..._event_next` calls and `snl_log_next`, freed by `snl_event_free`.
typedef struct snl_event snl_event;

// Commands to be sent together. One thread at a time may use it.
typedef struct snl_pipe snl_pipe;

// Connections to one master and its replicas. Made by `snl_pool_open`, freed by `snl_pool_free`; threads may share it.
typedef struct snl_pool snl_pool;

// A reply, or a value inside one. Made by a call that asks a server; its root is freed by `snl_reply_free`.
typedef struct snl_reply snl_reply;

// A running sentinel. Made by `snl_sentinel_start`; stopped by `snl_sentinel_stop`, or when it is freed.
typedef struct snl_sentinel snl_sentinel;

// A subscription that moves with the master. Made by `snl_sub_open`, freed by `snl_sub_free`.
typedef struct snl_sub snl_sub;

// A running test group. Made by `snl_testgroup_start`; its processes end when it is freed, and with the host in any case.
//
// Members are named `server-0`, `sentinel-2` and `client`; `master` and `replica` mean whoever is at the moment.
typedef struct snl_testgroup snl_testgroup;

// One master as it was at one moment. Given by the calls below, freed by `snl_topology_free`.
typedef struct snl_topology snl_topology;

// A function that is called with each event, on a thread of the library.
//
// It must not block and must not free or close what it listens to. The event lives until it returns. It is not called any
// more once what it listens to is freed.
typedef void (*snl_event_cb)(void *userdata, const snl_event *event);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The error's code: one of `snl_code`; `SNL_E_HANDLE` when `e` is no error.
int32_t snl_error_code(const snl_error *e);

// What is known of the command: one of `snl_outcome`.
int32_t snl_error_outcome(const snl_error *e);

// 1 when the same call may succeed later, else 0.
int32_t snl_error_retryable(const snl_error *e);

// The whole text, for people. Lives as long as `e`, as all texts of an error do.
const char *snl_error_message(const snl_error *e);

// The first word of the server's error reply, such as `READONLY`; empty when the server said none.
const char *snl_error_server_code(const snl_error *e);

// The server it concerns, as `host:port`; empty when it concerns none.
const char *snl_error_address(const snl_error *e);

// Everything as one JSON object; `evidence` holds what each sentinel said.
const char *snl_error_detail_json(const snl_error *e);

// Frees an error; NULL is let be.
void snl_error_free(snl_error *e);

// Makes an empty configuration: every default holds.
int32_t snl_config_new(snl_config **out, snl_error **err);

// Reads a URL or the text of a `sentinel.conf` into a configuration; `format` is one of `snl_format`.
//
// Options of a URL are added to those that are set. A `sentinel.conf` is used by `snl_sentinel_start` alone.
int32_t snl_config_load(snl_config *c, const char *text, size_t n, int32_t format, snl_error **err);

// Sets an option; `snl_config_keys_json` lists them. The key `conf_file` names a `sentinel.conf` to start from.
int32_t snl_config_set(snl_config *c, const char *key, const char *value, size_t n, snl_error **err);

// The value that an option was set to; `SNL_EMPTY` when it was not set. Lives as long as `c`.
int32_t snl_config_get(const snl_config *c, const char *key, const char **value, size_t *n, snl_error **err);

// Adds a master that an embedded sentinel shall monitor; `options` may be NULL.
//
// Of `options`, those for a monitored master hold: `down_after_ms`, `failover_timeout_ms` and so on.
int32_t snl_config_monitor(snl_config *c,
                           const char *name,
                           const char *host,
                           int32_t port_number,
                           int32_t quorum,
                           const snl_config *options,
                           snl_error **err);

// The table of all options, as a JSON array: key, type, unit, default, bounds, scopes, text. Never freed.
const char *snl_config_keys_json(void);

// Frees a configuration; what was started from it goes on. NULL is let be.
void snl_config_free(snl_config *c);

// The stable name, such as `+switch-master`, `hold-start`, `switched`. Lives as long as `e`, as all its texts do.
const char *snl_event_name(const snl_event *e);

// Who tells it: `sentinel`, `discovery`, `group` or `log`.
const char *snl_event_source(const snl_event *e);

// The name of the master it concerns; empty when it concerns none.
const char *snl_event_master(const snl_event *e);

// The whole text.
const char *snl_event_text(const snl_event *e);

// When, in milliseconds since 1970.
int64_t snl_event_time_ms(const snl_event *e);

// The epoch it tells of; 0 when it tells of none.
uint64_t snl_event_epoch(const snl_event *e);

// How many events were lost before this one, because they were not fetched.
uint64_t snl_event_lost(const snl_event *e);

// Everything as one JSON object.
const char *snl_event_json(const snl_event *e);

// Frees an event; NULL is let be.
void snl_event_free(snl_event *e);

// The type of a value: one of `snl_type`; `SNL_E_HANDLE` when `r` is no reply.
int32_t snl_reply_type(const snl_reply *r);

// The value of an integer or a boolean, or of a string that is a whole number.
int32_t snl_reply_int(const snl_reply *r, int64_t *out);

// The value of a number of any type, or of a string that is one.
int32_t snl_reply_double(const snl_reply *r, double *out);

// The bytes of a string of any type, with a NUL behind them. They live as long as the root.
int32_t snl_reply_bytes(const snl_reply *r, const char **p, size_t *n);

// Copies the bytes of a string into `buf`; `need` is how long it is. `SNL_E_ARG` when `cap` is less, and nothing is copied.
int32_t snl_reply_copy(const snl_reply *r,
                       char *buf,
                       size_t cap,
                       size_t *need);

// How many items an array, set or push has, how many pairs a map has, how many bytes a string has; else 0.
size_t snl_reply_len(const snl_reply *r);

// An item; in a map `2 * i` is the key of pair `i` and `2 * i + 1` its value. NULL when there is none.
//
// It is borrowed: it lives as long as the root.
const snl_reply *snl_reply_at(const snl_reply *r, size_t i);

// The value of a key, in a map or in an array of keys and values. NULL when there is none.
const snl_reply *snl_reply_get(const snl_reply *r, const char *key, size_t n);

// The whole reply of which `r` is the root, in one call: three numbers for each value, parents first, and all bytes.
//
// The numbers are the type (`snl_type`); the value itself (integer, boolean, bits of a double) or where its bytes begin
// in `blob`; and the length: of the bytes, or the number of items or pairs. Both live as long as the root.
int32_t snl_reply_flat(const snl_reply *r, const int64_t **words, size_t *nwords, const char **blob, size_t *nblob);

// The whole reply of which `r` is the root, as JSON. Lives as long as the root.
const char *snl_reply_json(const snl_reply *r);

// Frees a reply with all its values; a value inside one is let be, and so is NULL.
void snl_reply_free(snl_reply *r);

// Makes a command without words.
int32_t snl_cmd_new(snl_cmd **out);

// Adds a word of any bytes; the first one is the command's name.
int32_t snl_cmd_arg(snl_cmd *c, const char *p, size_t n);

// Adds a whole number.
int32_t snl_cmd_arg_int(snl_cmd *c, int64_t v);

// Adds a floating-point number, in the shortest form that reads back as the same.
int32_t snl_cmd_arg_double(snl_cmd *c, double v);

// Adds the words of a line as redis-cli takes it: `SET k "a b"`, with `\n`, `\xff` inside double quotes.
int32_t snl_cmd_line(snl_cmd *c, const char *line, size_t n, snl_error **err);

// Says how it shall be carried out.
//
// `idempotent`: 1 when twice is as good as once, 0 when not, -1 as its name says (the default). `read_from`: who may answer
// a read, as the option of that name says; NULL for the pool's. `timeout_ms`: for all attempts; 0 or less for the pool's.
int32_t snl_cmd_flags(snl_cmd *c,
                      int32_t idempotent,
                      const char *read_from,
                      int64_t timeout_ms,
                      snl_error **err);

// Makes what ends commands that wait.
int32_t snl_cancel_new(snl_cancel **out);

// Lets `snl_pool_exec` and `snl_conn_exec` with this command end with `SNL_E_CANCELLED` once `x` is fired; NULL for never.
int32_t snl_cmd_cancel_with(snl_cmd *c,
                            const snl_cancel *x);

// Ends the commands that wait with `x`, within a tenth of a second, and all that come; from any thread.
int32_t snl_cancel_fire(snl_cancel *x);

// Frees it; commands that have it keep it. NULL is let be.
void snl_cancel_free(snl_cancel *x);

// Removes all words; how it shall be carried out stays.
int32_t snl_cmd_clear(snl_cmd *c);

// Frees a command; NULL is let be.
void snl_cmd_free(snl_cmd *c);

// Starts a sentinel; returns when it listens.
//
// It monitors the masters of `snl_config_monitor`, or is what the `sentinel.conf` of `c` says (the option `conf_file`, or
// a text given to `snl_config_load`). `c` may be NULL.
int32_t snl_sentinel_start(const snl_config *c,
                           snl_sentinel **out,
                           snl_error **err);

// The first address it listens on. Lives as long as `s`; `SNL_EMPTY` when it listens nowhere.
int32_t snl_sentinel_address(const snl_sentinel *s, const char **host, int32_t *port);

// Its identity: 40 hexadecimal digits. Lives as long as `s`.
const char *snl_sentinel_id(const snl_sentinel *s);

// Monitors a further master (`SENTINEL MONITOR`); `options` may be NULL.
int32_t snl_sentinel_monitor(snl_sentinel *s,
                             const char *name,
                             const char *host,
                             int32_t port,
                             int32_t quorum,
                             const snl_config *options,
                             snl_error **err);

// Changes an option of a master (`SENTINEL SET`): those of a monitored master, and `quorum`.
int32_t snl_sentinel_set(snl_sentinel *s, const char *name, const char *option, const char *value, snl_error **err);

// Stops monitoring a master (`SENTINEL REMOVE`).
int32_t snl_sentinel_remove(snl_sentinel *s, const char *name, snl_error **err);

// Orders a failover (`SENTINEL FAILOVER`); returns when it has begun.
int32_t snl_sentinel_failover(snl_sentinel *s, const char *name, snl_error **err);

// Asks whether enough sentinels can be reached for a failover (`SENTINEL CKQUORUM`); `SNL_E_QUORUM` when not.
int32_t snl_sentinel_ckquorum(snl_sentinel *s, const char *name, snl_error **err);

// Runs any command as a client inside this process who needs no password; an error reply is a reply of type error.
int32_t snl_sentinel_command(snl_sentinel *s, const snl_cmd *cmd, snl_reply **out, snl_error **err);

// All that it knows at this moment, as JSON in a reply of type bulk.
int32_t snl_sentinel_state_json(const snl_sentinel *s, snl_reply **out, snl_error **err);

// A descriptor that is readable while an event waits; only to be polled. Negative: a code.
int32_t snl_sentinel_event_fd(snl_sentinel *s);

// Waits for the next event. `SNL_EMPTY` when none came in time, `SNL_CLOSED` when none will come.
//
// `timeout_ms` 0 looks once; negative waits for ever.
int32_t snl_sentinel_event_next(snl_sentinel *s, int64_t timeout_ms, snl_event **out, snl_error **err);

// Has `callback` called with each event from now on, on a thread of the library; those events cannot be fetched.
int32_t snl_sentinel_on_event(snl_sentinel *s, snl_event_cb callback, void *userdata);

// Stops it and waits until its sockets and files are closed; `SNL_E_TIMEOUT` when that takes longer than `timeout_ms`.
//
// May be called again. The handle stays and is still to be freed.
int32_t snl_sentinel_stop(snl_sentinel *s, int64_t timeout_ms, snl_error **err);

// Frees it, and stops it when it still runs. NULL is let be.
void snl_sentinel_free(snl_sentinel *s);

// Opens a discovery; `c` has to name the `sentinels`, best by a URL.
int32_t snl_discovery_open(const snl_config *c, snl_discovery **out, snl_error **err);

// The picture of a master once it is verified; waits `timeout_ms` at most, negative: for a day.
//
// The error of a master that was not found says what each sentinel said.
int32_t snl_discovery_master(snl_discovery *h,
                             const char *name,
                             int64_t timeout_ms,
                             snl_topology **out,
                             snl_error **err);

// The picture of a master at this moment, without a wait; its `phase` tells whether writes should wait.
int32_t snl_discovery_look(snl_discovery *h, const char *name, snl_topology **out, snl_error **err);

// Asks the sentinels again; returns when they have answered.
int32_t snl_discovery_refresh(snl_discovery *h, const char *name, int64_t timeout_ms, snl_error **err);

// The names of all masters that fit the glob, as an array of strings.
int32_t snl_discovery_masters(snl_discovery *h, const char *glob, int64_t timeout_ms, snl_reply **out, snl_error **err);

// Waits until the generation of a master is greater than `after_gen`; `SNL_E_TIMEOUT` after `timeout_ms`.
int32_t snl_discovery_wait_switch(snl_discovery *h,
                                  const char *name,
                                  uint64_t after_gen,
                                  int64_t timeout_ms,
                                  snl_topology **out,
                                  snl_error **err);

// A descriptor that is readable while an event waits; only to be polled. Negative: a code.
int32_t snl_discovery_event_fd(snl_discovery *h);

// Waits for the next event: `switched`, `hold-start`, `sentinel-down` and others, from the first call on.
//
// `SNL_EMPTY` when none came in time, `SNL_CLOSED` when none will come.
int32_t snl_discovery_event_next(snl_discovery *h, int64_t timeout_ms, snl_event **out, snl_error **err);

// Has `callback` called with each event from now on, on a thread of the library; those events cannot be fetched.
int32_t snl_discovery_on_event(snl_discovery *h, snl_event_cb callback, void *userdata);

// Frees a discovery; its connections close when nobody else uses them. NULL is let be.
void snl_discovery_free(snl_discovery *h);

// The generation: 0 before the first master, one more with each switch.
uint64_t snl_topology_gen(const snl_topology *t);

// The configuration epoch of the sentinels.
uint64_t snl_topology_epoch(const snl_topology *t);

// What goes on: `resolving`, `up`, `suspect`, `hold` (a replica is promoted: writes should wait), `down`, `closed`.
const char *snl_topology_phase(const snl_topology *t);

// How many nodes of a role (`snl_role`) there are.
size_t snl_topology_count(const snl_topology *t, int32_t role);

// The address of a node. Lives as long as `t`.
int32_t snl_topology_node(const snl_topology *t, int32_t role, size_t i, const char **host, int32_t *port);

// Everything as JSON. Lives as long as `t`.
const char *snl_topology_json(const snl_topology *t);

// Frees a topology; NULL is let be.
void snl_topology_free(snl_topology *t);

// Opens a pool over a discovery; it connects at the first command. `overrides` may be NULL.
int32_t snl_pool_open(snl_discovery *h,
                      const char *master,
                      const snl_config *overrides,
                      snl_pool **out,
                      snl_error **err);

// Opens a pool for a URL: `redis+sentinel://[user:password@]host:port,host:port/master[/db]?key=value`.
int32_t snl_pool_open_url(const char *url, snl_pool **out, snl_error **err);

// Opens a pool for a configuration that names the `sentinels` and the `master`.
int32_t snl_pool_open_config(const snl_config *c, snl_pool **out, snl_error **err);

// The pool of this process with these options: opened by the first call, kept by the library until `snl_pool_close`.
//
// Each call gives a handle of its own, to be freed; connections stay when it is. For hosts whose values end with each
// request, such as PHP. A process keeps 100 of them at most, then the code is `SNL_E_BUSY`.
int32_t snl_pool_shared(const snl_config *c, snl_pool **out, snl_error **err);

// Runs a command where it belongs, again where that is safe. An error reply is an error with `SNL_OUTCOME_REJECTED`.
int32_t snl_pool_exec(snl_pool *p, const snl_cmd *c, snl_reply **out, snl_error **err);

// Runs a command of `argc` words; `lens` may be NULL when all end in NUL. `timeout_ms` 0 or less: the pool's own.
int32_t snl_pool_exec_argv(snl_pool *p,
                           size_t argc,
                           const char *const *argv,
                           const size_t *lens,
                           int64_t timeout_ms,
                           snl_reply **out,
                           snl_error **err);

// Takes a connection for oneself; `role` is `SNL_ROLE_MASTER` or `SNL_ROLE_REPLICA`.
int32_t snl_pool_checkout(snl_pool *p, int32_t role, int64_t timeout_ms, snl_conn **out, snl_error **err);

// Its figures, as JSON in a reply of type bulk.
int32_t snl_pool_stats_json(const snl_pool *p, snl_reply **out);

// Closes it once the commands under way are done, after `timeout_ms` in any case. May be called again.
int32_t snl_pool_close(snl_pool *p, int64_t timeout_ms);

// Frees a pool; NULL is let be.
void snl_pool_free(snl_pool *p);

// Runs a command on the connection, once. An error reply is a reply of type error. `SNL_E_MOVED` after a switch.
int32_t snl_conn_exec(snl_conn *k, const snl_cmd *c, snl_reply **out, snl_error **err);

// 1 while its server is the one to talk to, else 0.
int32_t snl_conn_is_current(const snl_conn *k);

// The generation it belongs to; 0 when `k` is no connection.
uint64_t snl_conn_gen(const snl_conn *k);

// Gives the connection back to the pool as if it was new, and frees the handle. NULL is let be.
void snl_conn_release(snl_conn *k);

// Closes the connection, and frees the handle. NULL is let be.
void snl_conn_discard(snl_conn *k);

// Makes a pipeline; with `atomic` 1 it is one transaction, with 0 others' commands may come between.
int32_t snl_pipe_new(int32_t atomic, snl_pipe **out);

// Adds a command as it is at this moment.
int32_t snl_pipe_add(snl_pipe *b, const snl_cmd *c);

// Adds a command of `argc` words, as `snl_pool_exec_argv` takes them.
int32_t snl_pipe_add_argv(snl_pipe *b, size_t argc, const char *const *argv, const size_t *lens);

// Sends all commands together; the reply is an array with one reply for each, errors among them. The pipeline is empty then.
int32_t snl_pipe_exec(snl_pipe *b,
                      snl_pool *p,
                      snl_reply **out,
                      snl_error **err);

// Frees a pipeline; NULL is let be.
void snl_pipe_free(snl_pipe *b);

// Runs a command of `argc` words that lie end to end in `words`, each as long as `lens` says.
//
// The reply is laid into the `cap` bytes of `buf`, flat as `snl_reply_flat` gives it: how many numbers there are and how many
// bytes, as two `int64_t`, then the numbers, then the bytes; `out` is NULL then. One that does not fit is given in `out`,
// and the first number in `buf` is 0. `cap` is 16 at least. `timeout_ms` 0 or less: the pool's own.
int32_t snl_pool_exec_into(snl_pool *p,
                           size_t argc,
                           const char *words,
                           const size_t *lens,
                           int64_t timeout_ms,
                           void *buf,
                           size_t cap,
                           snl_reply **out,
                           snl_error **err);

// Opens a subscription to nothing yet.
int32_t snl_sub_open(snl_pool *p, snl_sub **out, snl_error **err);

// Changes what is subscribed to (`op` is one of `snl_change`); returns when the server has confirmed it.
//
// `lens` may be NULL when all `names` end in NUL.
int32_t snl_sub_change(snl_sub *s,
                       int32_t op,
                       size_t n,
                       const char *const *names,
                       const size_t *lens,
                       int64_t timeout_ms,
                       snl_error **err);

// A descriptor that is readable while a message waits; only to be polled. Negative: a code.
int32_t snl_sub_fd(snl_sub *s);

// Waits for the next message, as the server sends it: `message`, channel, payload; `pmessage`, pattern, channel, payload.
//
// A gap is `gap`, the generation before, the generation now, milliseconds without subscription: messages may have been
// missed. `SNL_EMPTY` when nothing came in time, `SNL_CLOSED` when nothing will come.
int32_t snl_sub_next(snl_sub *s,
                     int64_t timeout_ms,
                     snl_reply **out,
                     snl_error **err);

// Ends and frees a subscription; NULL is let be.
void snl_sub_free(snl_sub *s);

// Makes an empty queue.
int32_t snl_cq_new(snl_cq **out);

// A descriptor that is readable while a result waits; only to be polled. Negative: a code.
int32_t snl_cq_fd(snl_cq *q);

// Runs a command on the library's threads; its result comes into the queue with `tag`.
int32_t snl_pool_submit(snl_pool *p, snl_cq *q, const snl_cmd *c, uint64_t tag, snl_error **err);

// Waits for the next result: its tag, and either its reply or its error; the other one is NULL.
//
// `SNL_EMPTY` when none came in time.
int32_t snl_cq_next(snl_cq *q, int64_t timeout_ms, uint64_t *tag, snl_reply **reply, snl_error **op_err);

// Frees a queue; results that come later are dropped. NULL is let be.
void snl_cq_free(snl_cq *q);

// Starts a group: by default a master, two replicas, three sentinels, quorum 2. Returns when it is ready. `c` may be NULL.
int32_t snl_testgroup_start(const snl_config *c,
                            snl_testgroup **out,
                            snl_error **err);

// Where clients find the master, ready for `snl_pool_open_url`. Lives as long as `g`.
const char *snl_testgroup_url(const snl_testgroup *g);

// The name under which clients ask for the master. Lives as long as `g`.
const char *snl_testgroup_name(const snl_testgroup *g);

// The address of a member, as `host:port` in a reply of type bulk.
int32_t snl_testgroup_address(const snl_testgroup *g, const char *member, snl_reply **out, snl_error **err);

// Runs a command on a member, over a connection of its own that suffers what clients suffer.
int32_t snl_testgroup_command(snl_testgroup *g,
                              const char *member,
                              const snl_cmd *cmd,
                              snl_reply **out,
                              snl_error **err);

// Inflicts a fault, or undoes one: `kill`, `restart`, `pause`, `resume`, `isolate`, `cut`, `slow`, `heal` and others.
//
// `arguments` are keys and values in turn, `count` in all, such as `member`, `master`. An unknown fault or key is refused
// with the list of those there are.
int32_t snl_testgroup_fault(snl_testgroup *g,
                            const char *fault,
                            const char *const *arguments,
                            size_t count,
                            snl_error **err);

// Waits for a condition: `ready`, `synced`, `agreement`, or `switched` (another master than at the call).
//
// `SNL_E_TIMEOUT` after the option `patience_ms`, with the state of the group in its text.
int32_t snl_testgroup_wait(snl_testgroup *g, const char *condition, snl_error **err);

// Has the sentinels promote a replica, and waits until all agree.
int32_t snl_testgroup_failover(snl_testgroup *g, snl_error **err);

// Makes the group fit for the next test: heals it, removes all data, and waits until it is ready.
int32_t snl_testgroup_reset(snl_testgroup *g, snl_error **err);

// The group at this moment, as JSON in a reply of type bulk.
int32_t snl_testgroup_view_json(const snl_testgroup *g, snl_reply **out, snl_error **err);

// All that a member has logged, in a reply of type bulk.
int32_t snl_testgroup_logs(const snl_testgroup *g, const char *member, snl_reply **out, snl_error **err);

// Frees a group: all its processes end. NULL is let be.
void snl_testgroup_free(snl_testgroup *g);

// The library's version, such as `0.1.0`.
const char *snl_version(void);

// The number of the binary interface: 1. Another number means other functions.
int32_t snl_abi(void);

// 1 when the library has the feature (`embed`, `pool`, `testgroup`, `tls`), else 0.
int32_t snl_has_feature(const char *name);

// The name of a code, such as `SNL_E_TIMEOUT`.
const char *snl_code_name(int32_t code);

// Sets from which level on log records are kept: `error`, `warn`, `info`, `debug`, `trace`, or `off` (the default).
int32_t snl_log_level(const char *level, snl_error **err);

// A descriptor that is readable while a log record waits; only to be polled. Negative: a code.
int32_t snl_log_fd(void);

// Waits for the next log record, which is an event. `SNL_EMPTY` when none came in time.
int32_t snl_log_next(int64_t timeout_ms, snl_event **out, snl_error **err);

// Lets a forked child use the library anew. Handles of the parent stay unusable, but for being freed.
int32_t snl_after_fork(void);

// Ends the library's threads, for `timeout_ms` at most; what still runs on them is dropped. The next call starts them anew.
int32_t snl_shutdown(int64_t timeout_ms);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SENTINELLE_H */

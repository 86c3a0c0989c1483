<?php

declare(strict_types=1);

namespace Sentinelle;

use Sentinelle\Exception\ArgumentException;

/** A whole sentinel inside this program: monitors, votes, fails over, answers on its port like redis-sentinel. */
final class Sentinel extends Handle
{
    protected static function freeing(): string
    {
        return 'snl_sentinel_free';
    }

    /**
     * Starts a sentinel; returns when it listens. It runs until `stop`, or until this object is gone.
     *
     * @param array<string, mixed> $options by key, such as `listen` and `config_file`; `conf_file` names a `sentinel.conf` to
     *     start from, `conf` holds the text of one
     * @param array<string, array<string, mixed>> $masters by name: `host`, `port`, `quorum`, and options such as `down_after_ms`
     * @throws Exception\ConfigException
     * @throws Exception\ListenException
     * @throws Exception\StorageException
     */
    public function __construct(array $options = [], array $masters = [])
    {
        $config = new Config($options);
        foreach ($masters as $name => $master) {
            [$host, $port, $quorum, $rest] = self::master((string) $name, $master);
            $config->monitor((string) $name, $host, $port, $quorum, $rest);
        }
        $out = Library::place('snl_sentinel *');
        Library::call('snl_sentinel_start', $config->handle(), $out);
        $this->own($out[0]);
    }

    /** The first address it listens on, as `host:port`; null when it listens nowhere. */
    public function address(): ?string
    {
        $host = Library::place('char *');
        $port = Library::place('int32_t');
        $code = Library::check('snl_sentinel_address', $this->handle(), $host, $port);
        return $code === Library::OK ? \FFI::string($host[0]) . ':' . $port[0] : null;
    }

    /** Its identity: 40 hexadecimal digits. */
    public function id(): string
    {
        return Library::ffi()->snl_sentinel_id($this->handle());
    }

    /**
     * Monitors a further master.
     *
     * @param array<string, mixed> $options such as `down_after_ms`
     */
    public function monitor(string $name, string $host, int $port, int $quorum, array $options = []): void
    {
        $config = new Config($options);
        Library::call('snl_sentinel_monitor', $this->handle(), $name, $host, $port, $quorum, $config->handle());
    }

    /** Changes an option of a master: those of a monitored master, and `quorum`. */
    public function set(string $name, string $option, string|int|bool $value): void
    {
        $value = is_bool($value) ? ($value ? 'yes' : 'no') : (string) $value;
        Library::call('snl_sentinel_set', $this->handle(), $name, $option, $value);
    }

    /** Stops monitoring a master. */
    public function remove(string $name): void
    {
        Library::call('snl_sentinel_remove', $this->handle(), $name);
    }

    /** Orders a failover; returns when it has begun. */
    public function failover(string $name): void
    {
        Library::call('snl_sentinel_failover', $this->handle(), $name);
    }

    /**
     * Asks whether enough sentinels can be reached for a failover.
     *
     * @throws Exception\QuorumException when not
     */
    public function checkQuorum(string $name): void
    {
        Library::call('snl_sentinel_ckquorum', $this->handle(), $name);
    }

    /**
     * Runs any command as a client inside this process who needs no password.
     *
     * @throws Exception\ServerException for an error reply
     */
    public function command(string ...$words): mixed
    {
        $command = new Command($words);
        $out = Library::place('snl_reply *');
        Library::call('snl_sentinel_command', $this->handle(), $command->handle(), $out);
        return Reply::takeOrThrow($out[0]);
    }

    /** @return array<string, mixed> all that it knows at this moment */
    public function state(): array
    {
        $out = Library::place('snl_reply *');
        Library::call('snl_sentinel_state_json', $this->handle(), $out);
        return Reply::takeJson($out[0]);
    }

    /** The next event; null when none came in time, or none will come. Negative waits for ever. */
    public function nextEvent(int $timeoutMs = -1): ?Event
    {
        return Event::next('snl_sentinel_event_next', $this, $timeoutMs);
    }

    /**
     * A stream for stream_select: readable while an event waits. Command line only.
     *
     * @return resource
     */
    public function eventStream()
    {
        return Event::streamOf(Library::check('snl_sentinel_event_fd', $this->handle()));
    }

    /**
     * Stops it and waits until its sockets and files are closed.
     *
     * @throws Exception\TimeoutException when that takes longer than `$timeoutMs`
     */
    public function stop(int $timeoutMs = 5000): void
    {
        Library::call('snl_sentinel_stop', $this->handle(), $timeoutMs);
    }

    /** @return array{string, int, int, array<string, mixed>} */
    private static function master(string $name, array $master): array
    {
        $needed = ['host' => 'is_string', 'port' => 'is_int', 'quorum' => 'is_int'];
        foreach ($needed as $key => $fits) {
            if (!isset($master[$key]) || !$fits($master[$key])) {
                throw new ArgumentException("master \"$name\": $key is missing, or of the wrong type", -1);
            }
        }
        return [$master['host'], $master['port'], $master['quorum'], array_diff_key($master, $needed)];
    }
}

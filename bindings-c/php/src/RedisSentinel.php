<?php

declare(strict_types=1);

namespace Sentinelle;

use Sentinelle\Exception\ConnectionException;
use Sentinelle\Exception\SentinelleException;
use Sentinelle\Exception\ServerException;

/**
 * In the place of phpredis' `RedisSentinel`: the same methods with the same answers, so that one line changes.
 *
 * `getMasterAddrByName` asks all sentinels, compares them and verifies the master, where phpredis believes the one it asks.
 * All other methods ask the first sentinel that answers.
 */
final class RedisSentinel
{
    private readonly string $sentinels;
    private readonly float $timeout;
    private readonly string|array|null $auth;
    private ?Discovery $discovery = null;
    /** @var resource|null */
    private $stream = null;

    /**
     * As phpredis 5 takes them, or as phpredis 6 does: an array with the keys `host`, `port`, `connectTimeout`, `auth`.
     *
     * @param string|array<string, mixed> $host of a sentinel; several as `a:26379,b:26379`, which phpredis cannot
     * @param float $timeout in seconds, for connecting and for each answer; 0 for one second
     * @param mixed $persistent taken for compatibility: connections are kept in any case
     * @param int $retry_interval taken for compatibility
     * @param float $read_timeout taken for compatibility
     * @param string|array{string, string}|null $auth a password, or a user name and a password
     */
    public function __construct(
        string|array $host,
        int $port = 26379,
        float $timeout = 0,
        mixed $persistent = null,
        int $retry_interval = 0,
        float $read_timeout = 0,
        string|array|null $auth = null,
    ) {
        if (is_array($host)) {
            [$port, $timeout, $auth] = [$host['port'] ?? $port, $host['connectTimeout'] ?? $timeout, $host['auth'] ?? $auth];
            $host = $host['host'] ?? '127.0.0.1';
        }
        $with_port = fn (string $one): string => preg_match('/:\d+$/', $one) ? $one : "$one:$port";
        $this->sentinels = implode(',', array_map($with_port, array_map('trim', explode(',', $host))));
        $this->timeout = $timeout > 0 ? (float) $timeout : 1.0;
        $this->auth = $auth;
    }

    /** @return array{string, string}|false host and port of the verified master; false when there is none */
    public function getMasterAddrByName(string $master): array|false
    {
        $patience = (int) ceil($this->timeout * 5000);
        try {
            $address = $this->discovery()->master($master, $patience)->master;
        } catch (Exception\MasterUnknownException) {
            return false;
        }
        $colon = strrpos($address, ':');
        return [trim(substr($address, 0, $colon), '[]'), substr($address, $colon + 1)];
    }

    /** @return array<string, string>|false what the sentinel knows of the master; false when it knows none */
    public function master(string $master): array|false
    {
        return $this->ask(['SENTINEL', 'MASTER', $master], self::fields(...));
    }

    /** @return list<array<string, string>>|false */
    public function masters(): array|false
    {
        return $this->ask(['SENTINEL', 'MASTERS'], self::rows(...));
    }

    /** @return list<array<string, string>>|false */
    public function slaves(string $master): array|false
    {
        return $this->ask(['SENTINEL', 'SLAVES', $master], self::rows(...));
    }

    /** @return list<array<string, string>>|false */
    public function sentinels(string $master): array|false
    {
        return $this->ask(['SENTINEL', 'SENTINELS', $master], self::rows(...));
    }

    /** Whether enough sentinels can be reached for a failover. */
    public function ckquorum(string $master): bool
    {
        return $this->ask(['SENTINEL', 'CKQUORUM', $master], fn (): bool => true);
    }

    /** Orders a failover. */
    public function failover(string $master): bool
    {
        return $this->ask(['SENTINEL', 'FAILOVER', $master], fn (): bool => true);
    }

    /** Has the sentinel write its configuration file. */
    public function flushconfig(): bool
    {
        return $this->ask(['SENTINEL', 'FLUSHCONFIG'], fn (): bool => true);
    }

    /** Whether the sentinel answers. */
    public function ping(): bool
    {
        return $this->ask(['PING'], fn (): bool => true);
    }

    /** Forgets and finds anew all that is known of the masters that fit the glob. */
    public function reset(string $pattern): bool
    {
        return $this->ask(['SENTINEL', 'RESET', $pattern], fn (int $count): bool => $count > 0);
    }

    private function discovery(): Discovery
    {
        $options = ['sentinels' => $this->sentinels, 'sentinel_time_ms' => max(10, (int) ceil($this->timeout * 1000))];
        if ($this->auth !== null) {
            $auth = (array) $this->auth;
            $options['sentinel_password'] = end($auth);
            if (count($auth) > 1) {
                $options['sentinel_username'] = reset($auth);
            }
        }
        return $this->discovery ??= new Discovery($options);
    }

    /** Asks the first sentinel that answers; an error reply is false, as in phpredis. */
    private function ask(array $words, callable $shape): mixed
    {
        $last = null;
        foreach (explode(',', $this->sentinels) as $address) {
            try {
                $this->stream ??= $this->connect($address);
                $this->send($words);
                return $shape($this->read());
            } catch (ServerException) {
                return false;
            } catch (SentinelleException $exception) {
                $this->stream = null;
                $last = $exception;
            }
        }
        throw $last;
    }

    /** @return resource */
    private function connect(string $address)
    {
        $stream = @stream_socket_client("tcp://$address", $number, $text, $this->timeout);
        if ($stream === false) {
            throw new ConnectionException("connect to the sentinel $address: $text", -22);
        }
        stream_set_timeout($stream, (int) $this->timeout, (int) (fmod($this->timeout, 1) * 1e6));
        $this->stream = $stream;
        if ($this->auth !== null) {
            $this->send(['AUTH', ...(array) $this->auth]);
            $this->read();
        }
        return $stream;
    }

    private function send(array $words): void
    {
        $request = '*' . count($words) . "\r\n";
        foreach ($words as $word) {
            $request .= '$' . strlen($word) . "\r\n$word\r\n";
        }
        if (@fwrite($this->stream, $request) !== strlen($request)) {
            throw new ConnectionException('ask the sentinel: the connection is lost', -22);
        }
    }

    private function read(): mixed
    {
        $line = fgets($this->stream);
        if ($line === false || !str_ends_with($line, "\r\n")) {
            throw new ConnectionException('ask the sentinel: no answer', -22);
        }
        $text = substr($line, 1, -2);
        return match ($line[0]) {
            '+' => $text,
            '-' => throw ServerException::ofReply($text),
            ':' => (int) $text,
            '$' => $text === '-1' ? null : substr(stream_get_contents($this->stream, (int) $text + 2), 0, -2),
            '*' => array_map(fn (): mixed => $this->read(), array_fill(0, max(0, (int) $text), null)),
            default => throw new ConnectionException('ask the sentinel: no answer of the protocol', -22),
        };
    }

    /**
     * @param list<string> $flat
     * @return array<string, string>
     */
    private static function fields(array $flat): array
    {
        return array_column(array_chunk($flat, 2), 1, 0);
    }

    /**
     * @param list<list<string>> $rows
     * @return list<array<string, string>>
     */
    private static function rows(array $rows): array
    {
        return array_map(self::fields(...), $rows);
    }
}

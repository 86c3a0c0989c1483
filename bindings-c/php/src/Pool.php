<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI\CData;
use Sentinelle\Exception\ArgumentException;
use Sentinelle\Exception\SentinelleException;

/**
 * Connections to one master and its replicas; every command of Redis is a method.
 *
 * A failover costs no command: writes wait while a replica is promoted, what is safe to repeat is repeated, and the rest is
 * an exception whose `outcome` says whether the command may have been executed.
 */
final class Pool extends Handle
{
    use Commands;

    /** @var array<string, self> the pools of the worker that this request has used */
    private static array $shared = [];
    private static int $process = 0;

    protected static function freeing(): string
    {
        return 'snl_pool_free';
    }

    /**
     * Opens a pool; it connects at the first command.
     *
     * @param string|array<string, mixed> $options `redis+sentinel://[user:password@]host:port,host:port/master[/db]?key=value`,
     *     or options by key: `['sentinels' => ['a:26379', 'b:26379'], 'master' => 'cart', 'timeout_ms' => 2000]`
     * @throws Exception\ConfigException naming what cannot be used
     */
    public function __construct(string|array $options)
    {
        $config = new Config($options);
        $out = Library::place('snl_pool *');
        Library::call('snl_pool_open_config', $config->handle(), $out);
        $this->own($out[0]);
    }

    /**
     * The pool of this worker with these options: opened once, used by all requests that follow until it is closed.
     *
     * The library keeps it, for PHP keeps nothing from one request to the next. In a forked child it is opened anew.
     *
     * @param string|array<string, mixed> $options as the constructor takes them
     */
    public static function shared(string|array $options): self
    {
        if (self::$process !== getmypid()) {
            self::$shared = [];
            self::$process = getmypid();
        }
        return self::$shared[serialize($options)] ??= self::kept($options);
    }

    private static function kept(string|array $options): self
    {
        $config = new Config($options);
        $out = Library::place('snl_pool *');
        Library::call('snl_pool_shared', $config->handle(), $out);
        return self::of($out[0]);
    }

    /** @internal A pool over a discovery. */
    public static function over(Discovery $discovery, string $master, array $options): self
    {
        $config = new Config($options);
        $out = Library::place('snl_pool *');
        Library::call('snl_pool_open', $discovery->handle(), $master, $config->handle(), $out);
        return self::of($out[0]);
    }

    private static function of(CData $handle): self
    {
        $pool = (new \ReflectionClass(self::class))->newInstanceWithoutConstructor();
        $pool->own($handle);
        return $pool;
    }

    /**
     * Runs a command where it belongs, again where that is safe.
     *
     * @param list<mixed> $words
     * @param int $timeoutMs for all attempts; 0 for the pool's option `timeout_ms`
     * @throws Exception\ServerException for an error reply
     */
    public function execute(array $words, int $timeoutMs = 0): mixed
    {
        return Exchange::run($this->handle(), Words::of($words), $timeoutMs);
    }

    /**
     * Sends commands together; others' may come between.
     *
     * @param callable(Pipeline): mixed $fill calls the commands on its argument
     * @return list<mixed> one reply for each; an error among them is a ServerException that is not thrown
     */
    public function pipeline(callable $fill): array
    {
        return $this->together($fill, 0);
    }

    /**
     * The same as one transaction (MULTI, EXEC): all or none.
     *
     * @param callable(Pipeline): mixed $fill
     * @return list<mixed>
     */
    public function transaction(callable $fill): array
    {
        return $this->together($fill, 1);
    }

    /**
     * Takes a connection for oneself, for WATCH, MULTI and commands that wait on the server.
     *
     * It goes back to the pool when its object is gone.
     *
     * @param string $role `master` or `replica`
     */
    public function checkout(string $role = 'master', int $timeoutMs = 1000): Connection
    {
        $number = match ($role) {
            'master' => 0,
            'replica' => 1,
            default => throw new ArgumentException("a role is master or replica: \"$role\"", -1),
        };
        $out = Library::place('snl_conn *');
        Library::call('snl_pool_checkout', $this->handle(), $number, $timeoutMs, $out);
        return new Connection($out[0]);
    }

    /**
     * Subscribes; the subscription moves with the master.
     *
     * @param list<string> $channels
     * @param list<string> $patterns
     */
    public function listen(array $channels, array $patterns = []): Subscription
    {
        $out = Library::place('snl_sub *');
        Library::call('snl_sub_open', $this->handle(), $out);
        $subscription = new Subscription($out[0]);
        if ($channels !== []) {
            $subscription->subscribe(...$channels);
        }
        if ($patterns !== []) {
            $subscription->psubscribe(...$patterns);
        }
        return $subscription;
    }

    /** @return array<string, mixed> its figures */
    public function stats(): array
    {
        $out = Library::place('snl_reply *');
        Library::check('snl_pool_stats_json', $this->handle(), $out);
        return Reply::takeJson($out[0]);
    }

    /** Closes it once the commands under way are done, after `$timeoutMs` in any case. */
    public function close(int $timeoutMs = 1000): void
    {
        self::$shared = array_filter(self::$shared, fn (self $pool): bool => $pool !== $this);
        Library::check('snl_pool_close', $this->handle(), $timeoutMs);
    }

    /** @return list<mixed> */
    private function together(callable $fill, int $atomic): array
    {
        $pipeline = new Pipeline($atomic);
        $fill($pipeline);
        return $pipeline->send($this);
    }
}

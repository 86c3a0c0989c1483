<?php

declare(strict_types=1);

namespace Sentinelle;

/**
 * Keeps sessions at the master: `session_set_save_handler(new SessionHandler(Pool::shared($url)), true)`.
 *
 * A session is one key that ends with `session.gc_maxlifetime`. A request that runs during a failover waits for the new
 * master instead of losing its session. Sessions are not locked: of two requests at once the last write holds.
 */
final class SessionHandler implements \SessionHandlerInterface, \SessionUpdateTimestampHandlerInterface
{
    /**
     * @param string $prefix what stands before the session's id in the key
     * @param int|null $lifetime in seconds; null for `session.gc_maxlifetime`
     */
    public function __construct(
        private readonly Pool $pool,
        private readonly string $prefix = 'session:',
        private readonly ?int $lifetime = null,
    ) {
    }

    public function open(string $path, string $name): bool
    {
        return true;
    }

    public function close(): bool
    {
        return true;
    }

    public function read(string $id): string
    {
        return $this->pool->get($this->prefix . $id) ?? '';
    }

    public function write(string $id, string $data): bool
    {
        return $this->pool->set($this->prefix . $id, $data, 'EX', $this->lifetime()) === 'OK';
    }

    public function destroy(string $id): bool
    {
        $this->pool->del($this->prefix . $id);
        return true;
    }

    /** Redis removes what is over by itself. */
    public function gc(int $max_lifetime): int
    {
        return 0;
    }

    public function validateId(string $id): bool
    {
        return $this->pool->exists($this->prefix . $id) === 1;
    }

    /** An unchanged session lives on. */
    public function updateTimestamp(string $id, string $data): bool
    {
        return $this->pool->expire($this->prefix . $id, $this->lifetime()) === 1 || $this->write($id, $data);
    }

    private function lifetime(): int
    {
        return max(1, $this->lifetime ?? (int) ini_get('session.gc_maxlifetime'));
    }
}

<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI\CData;

/** A connection to oneself. Nothing is repeated on it; once the master moves every command is a MovedException. */
final class Connection extends Handle
{
    use Commands;

    protected static function freeing(): string
    {
        return 'snl_conn_release';
    }

    /** @internal */
    public function __construct(CData $handle)
    {
        $this->own($handle);
    }

    /** @throws Exception\ServerException for an error reply */
    public function execute(array $words, int $timeoutMs = 0): mixed
    {
        $command = new Command($words, $timeoutMs);
        $out = Library::place('snl_reply *');
        Library::call('snl_conn_exec', $this->handle(), $command->handle(), $out);
        return Reply::takeOrThrow($out[0]);
    }

    /** Whether its server is still the one to talk to. */
    public function isCurrent(): bool
    {
        return Library::ffi()->snl_conn_is_current($this->handle()) === 1;
    }

    /** Which master it belongs to: one more with each switch. */
    public function generation(): int
    {
        return Library::ffi()->snl_conn_gen($this->handle());
    }

    /** Gives it back to the pool as if it was new. */
    public function release(): void
    {
        $this->free();
    }
}

<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI\CData;
use Sentinelle\Exception\HandleException;

/**
 * Decides how long an object of the library lives: until its PHP object is gone, or is closed before.
 *
 * @internal
 */
abstract class Handle
{
    private ?CData $handle;

    /** The function that frees it. */
    abstract protected static function freeing(): string;

    final protected function own(CData $handle): void
    {
        $this->handle = $handle;
    }

    /** @internal */
    final public function handle(): CData
    {
        return $this->handle ?? throw new HandleException(static::class . ' is closed', -2);
    }

    final protected function free(): void
    {
        if (isset($this->handle)) {
            Library::ffi()->{static::freeing()}($this->handle);
            $this->handle = null;
        }
    }

    public function __destruct()
    {
        $this->free();
    }

    private function __clone()
    {
    }

    public function __serialize(): array
    {
        throw new HandleException(static::class . ' lives in this process alone and cannot be serialized', -2);
    }
}

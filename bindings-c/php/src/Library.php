<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI;
use FFI\CData;
use Sentinelle\Exception\SentinelleException;

/** Decides which shared library is used, and how each of its functions is called. */
final class Library
{
    /** The codes that are no failure. */
    public const OK = 0;
    public const EMPTY = 2;
    public const CLOSED = 3;

    /** The length that stands for "up to the first NUL": (size_t)-1. */
    public const NUL_ENDS = -1;

    private static ?FFI $ffi = null;
    private static int $process = 0;

    /** The loaded library; loads it on the first call. */
    public static function ffi(): FFI
    {
        return self::$ffi ??= self::load();
    }

    /**
     * The path or name of the shared library: SENTINELLE_LIBRARY, else beside this package, else the system's.
     */
    public static function path(): string
    {
        $wished = getenv('SENTINELLE_LIBRARY');
        if (is_string($wished) && $wished !== '') {
            return $wished;
        }
        $platform = strtolower(PHP_OS_FAMILY) . '-' . php_uname('m');
        foreach (["lib/$platform/libsentinelle.so", 'lib/libsentinelle.so'] as $place) {
            $beside = dirname(__DIR__) . '/' . $place;
            if (is_file($beside)) {
                return $beside;
            }
        }
        return 'libsentinelle.so.1';
    }

    /**
     * Loads the library for all workers to come; called by preload.php alone.
     *
     * PHP refuses this where `opcache.preload_user` is set, and wants the header in `ffi.preload` there.
     */
    public static function preload(): void
    {
        if ((string) ini_get('opcache.preload_user') !== '') {
            return;
        }
        $header = tempnam(sys_get_temp_dir(), 'sentinelle');
        file_put_contents($header, self::headerFor(self::path()));
        try {
            FFI::load($header);
        } finally {
            unlink($header);
        }
    }

    /** The header as `ffi.preload` wants it, for a library that lies at a path of its own. */
    public static function headerFor(string $path): string
    {
        return preg_replace('/^#define FFI_LIB .*$/m', "#define FFI_LIB \"$path\"", self::header());
    }

    /**
     * Calls a function whose last argument is the error, and throws what it says.
     *
     * @return int a code that is no failure
     * @internal
     */
    public static function call(string $function, mixed ...$arguments): int
    {
        $ffi = self::$ffi ?? self::ffi();
        $error = $ffi->new('snl_error *[1]');
        $code = $ffi->$function(...$arguments, ...[$error]);
        if ($code < 0) {
            throw SentinelleException::take($code, $error[0]);
        }
        return $code;
    }

    /**
     * Calls a function that has no error argument, and throws what its code says.
     *
     * @internal
     */
    public static function check(string $function, mixed ...$arguments): int
    {
        $code = self::ffi()->$function(...$arguments);
        if ($code < 0) {
            throw SentinelleException::take($code, null);
        }
        return $code;
    }

    /**
     * A place for a result of that type.
     *
     * @internal
     */
    public static function place(string $type): CData
    {
        return self::ffi()->new($type . '[1]');
    }

    /**
     * To be called before anything is opened: a child of a fork begins anew.
     *
     * @internal
     */
    public static function enter(): void
    {
        $ffi = self::ffi();
        $process = getmypid();
        if (self::$process !== $process) {
            // Without a fork it changes nothing.
            $ffi->snl_after_fork();
            self::$process = $process;
        }
    }

    private static function load(): FFI
    {
        try {
            $ffi = FFI::scope('SENTINELLE');
        } catch (FFI\Exception) {
            $ffi = FFI::cdef(self::header(), self::path());
        }
        if ($ffi->snl_abi() !== 1) {
            throw new \RuntimeException('the library ' . self::path() . ' is of another version: ' . $ffi->snl_version());
        }
        return $ffi;
    }

    private static function header(): string
    {
        foreach (['include', '../include'] as $folder) {
            $file = dirname(__DIR__) . "/$folder/sentinelle_ffi.h";
            if (is_file($file)) {
                return file_get_contents($file);
            }
        }
        throw new \RuntimeException('sentinelle_ffi.h is missing beside the package');
    }
}

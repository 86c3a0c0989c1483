<?php

/**
 * Decides which exception stands for each code of the library: one class for each, all below SentinelleException.
 */

declare(strict_types=1);

namespace Sentinelle\Exception;

use FFI\CData;
use Sentinelle\Library;
use Sentinelle\Outcome;

/** Anything that the library could not do. Its code is one of the SNL_E_ numbers. */
class SentinelleException extends \RuntimeException
{
    /** What is known of the command that failed; null when the failure concerns none. */
    public ?Outcome $outcome = null;
    /** Whether the same call may succeed later. */
    public bool $retryable = false;
    /** The first word of the server's error reply, such as `READONLY`; empty when the server said none. */
    public string $serverCode = '';
    /** The server it concerns, as `host:port`; empty when it concerns none. */
    public string $address = '';
    /** @var list<string> What each sentinel said. */
    public array $evidence = [];

    /** The class for each code. */
    public const CLASSES = [
        -1 => ArgumentException::class,
        -2 => HandleException::class,
        -3 => StateException::class,
        -4 => ConfigException::class,
        -5 => UnsupportedException::class,
        -6 => TooManyException::class,
        -7 => PanicException::class,
        -8 => ForkedException::class,
        -9 => BusyException::class,
        -10 => StoppedException::class,
        -20 => TimeoutException::class,
        -21 => CancelledException::class,
        -22 => ConnectionException::class,
        -23 => TlsException::class,
        -24 => AuthException::class,
        -25 => ProtocolException::class,
        -26 => PoolExhaustedException::class,
        -27 => BackpressureException::class,
        -40 => SentinelsUnreachableException::class,
        -41 => MasterUnknownException::class,
        -42 => MasterNotReadyException::class,
        -43 => NoAgreementException::class,
        -44 => NoReplicaException::class,
        -45 => MovedException::class,
        -60 => ServerException::class,
        -61 => ReadOnlyException::class,
        -62 => LoadingException::class,
        -63 => NoPermissionException::class,
        -80 => QuorumException::class,
        -81 => ListenException::class,
        -82 => StorageException::class,
        -83 => NoServerException::class,
    ];

    /** The class for a code; SentinelleException itself for one that this package does not know. */
    public static function classOf(int $code): string
    {
        return self::CLASSES[$code] ?? self::class;
    }

    /** An exception of the class that fits the code. */
    public static function of(int $code, string $message): self
    {
        $class = self::classOf($code);
        return new $class($message, $code);
    }

    /**
     * The exception for an error of the library, which is freed.
     *
     * @internal
     */
    public static function take(int $code, ?CData $error): self
    {
        $ffi = Library::ffi();
        if ($error === null) {
            return self::of($code, $ffi->snl_code_name($code));
        }
        $exception = self::of($code, $ffi->snl_error_message($error));
        $exception->outcome = Outcome::tryFrom($ffi->snl_error_outcome($error));
        $exception->retryable = $ffi->snl_error_retryable($error) === 1;
        $exception->serverCode = $ffi->snl_error_server_code($error);
        $exception->address = $ffi->snl_error_address($error);
        $exception->evidence = json_decode($ffi->snl_error_detail_json($error), true)['evidence'] ?? [];
        $ffi->snl_error_free($error);
        return $exception;
    }
}

/** An argument cannot be used. */
class ArgumentException extends SentinelleException
{
}

/** The object is closed. */
class HandleException extends SentinelleException
{
}

/** The call does not fit the state the object is in. */
class StateException extends SentinelleException
{
}

/** An option, a URL or a configuration file cannot be used. */
class ConfigException extends SentinelleException
{
}

/** This build or server cannot do it. */
class UnsupportedException extends SentinelleException
{
}

/** Too many objects of the kind live. */
class TooManyException extends SentinelleException
{
}

/** A bug of the library was caught at its border. */
class PanicException extends SentinelleException
{
}

/** The object was made before this process was forked. */
class ForkedException extends SentinelleException
{
}

/** Another thread uses the object at this moment. */
class BusyException extends SentinelleException
{
}

/** The sentinel, discovery or pool is stopped. */
class StoppedException extends SentinelleException
{
}

/** It did not happen in time. */
class TimeoutException extends SentinelleException
{
}

/** The caller withdrew the call. */
class CancelledException extends SentinelleException
{
}

/** A connection could not be made or was lost. */
class ConnectionException extends SentinelleException
{
}

/** The TLS handshake failed, or a certificate is not trusted. */
class TlsException extends SentinelleException
{
}

/** A server refused the user name or password, or wants one. */
class AuthException extends SentinelleException
{
}

/** A peer sent what the protocol does not allow. */
class ProtocolException extends SentinelleException
{
}

/** Every connection of the pool is in use and the wait for one was too long. */
class PoolExhaustedException extends SentinelleException
{
}

/** More commands wait than may wait. */
class BackpressureException extends SentinelleException
{
}

/** No sentinel answers; `evidence` has a line for each. */
class SentinelsUnreachableException extends SentinelleException
{
}

/** The sentinels that answer monitor no master of this name. */
class MasterUnknownException extends SentinelleException
{
}

/** The sentinels name a master, but no server confirms that it is the one. */
class MasterNotReadyException extends SentinelleException
{
}

/** Too few sentinels name the same master. */
class NoAgreementException extends SentinelleException
{
}

/** No replica may be read from. */
class NoReplicaException extends SentinelleException
{
}

/** The connection belonged to a master that has been replaced. */
class MovedException extends SentinelleException
{
}

/** The server answered with an error; `serverCode` is its first word. */
class ServerException extends SentinelleException
{
    /**
     * The exception for the text of an error reply.
     *
     * @internal
     */
    public static function ofReply(string $text): self
    {
        $exception = new self($text, -60);
        $exception->serverCode = strtok($text, ' ') ?: '';
        $exception->outcome = Outcome::Rejected;
        return $exception;
    }
}

/** The server is a replica and takes no writes. */
class ReadOnlyException extends ServerException
{
}

/** The server is not ready: it loads its data, or its master is gone. */
class LoadingException extends ServerException
{
}

/** The user may not run this command. */
class NoPermissionException extends ServerException
{
}

/** Too few sentinels can be reached for a failover. */
class QuorumException extends SentinelleException
{
}

/** A listening address cannot be had. */
class ListenException extends SentinelleException
{
}

/** A file or folder cannot be read or written. */
class StorageException extends SentinelleException
{
}

/** No server program for tests was found. */
class NoServerException extends SentinelleException
{
}

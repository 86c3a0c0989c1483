<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI;
use FFI\CData;
use Sentinelle\Exception\SentinelleException;

/**
 * Decides how a command of a pool and its reply cross the border: in one call, through memory that is used again and again,
 * because making it costs more than all else that PHP does for a command.
 *
 * @internal
 */
final class Exchange
{
    /** How many bytes a reply may have to be laid here; a larger one is fetched. */
    private const ROOM = 16384;
    /** Of the counts in front of a reply. */
    private const HEAD = 16;

    private static ?self $spare = null;

    private CData $lens;
    private CData $room;
    private CData $bytes;
    private CData $numbers;
    /** The bytes of a reply that is one value. */
    private CData $single;
    private CData $reply;
    private CData $error;

    private function __construct(private int $words)
    {
        $ffi = Library::ffi();
        $this->lens = $ffi->new("size_t[$words]");
        $this->room = $ffi->new('char[' . self::ROOM . ']');
        $this->bytes = FFI::cast('char *', $this->room);
        $this->numbers = FFI::cast('int64_t *', $this->bytes);
        $this->single = $this->bytes + self::HEAD + 3 * 8;
        $this->reply = $ffi->new('snl_reply *[1]');
        $this->error = $ffi->new('snl_error *[1]');
    }

    /**
     * Runs a command, and gives the value of its reply.
     *
     * @param list<string> $words
     * @throws SentinelleException for a failure, an error reply among them
     */
    public static function run(CData $pool, array $words, int $timeoutMs): mixed
    {
        $count = count($words);
        // Taken away while it is used: a signal's handler may run a command in between.
        $held = self::$spare;
        self::$spare = null;
        if ($held === null || $held->words < $count) {
            $held = new self(max(16, $count));
        }
        $lens = $held->lens;
        foreach ($words as $index => $word) {
            $lens[$index] = strlen($word);
        }
        $code = Library::ffi()->snl_pool_exec_into(
            $pool,
            $count,
            implode('', $words),
            $lens,
            $timeoutMs,
            $held->room,
            self::ROOM,
            $held->reply,
            $held->error,
        );
        if ($code < 0) {
            throw SentinelleException::take($code, $held->error[0]);
        }
        $value = $held->value();
        // What one huge command needed is not kept for ever.
        if ($held->words <= 1024) {
            self::$spare = $held;
        }
        return $value;
    }

    private function value(): mixed
    {
        $numbers = $this->numbers;
        $count = $numbers[0];
        if ($count === 3 && $numbers[2] >= 4 && $numbers[2] <= 5) {
            return FFI::string($this->single, $numbers[4]);
        }
        if ($count === 0) {
            return Reply::take($this->reply[0]);
        }
        $all = FFI::string($this->bytes, self::HEAD + 8 * $count + $numbers[1]);
        return Reply::of(unpack("q$count", $all, self::HEAD), substr($all, self::HEAD + 8 * $count));
    }
}

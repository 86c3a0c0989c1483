<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI;
use FFI\CData;
use Sentinelle\Exception\ArgumentException;

/**
 * Decides how the arguments of a command become words in C's memory.
 *
 * One such memory is used again and again, because making it costs more than a command's work in PHP.
 *
 * @internal
 */
final class Words
{
    private static ?self $spare = null;

    public CData $argv;
    public CData $lens;
    public int $count = 0;
    private CData $bytes;
    private CData $start;

    private function __construct(private int $words, private int $room)
    {
        $ffi = Library::ffi();
        $this->argv = $ffi->new("char *[$words]");
        $this->lens = $ffi->new("size_t[$words]");
        $this->bytes = $ffi->new("char[$room]");
        $this->start = FFI::cast('char *', $this->bytes);
    }

    /**
     * The words of a command, in memory until `release`.
     *
     * @param list<string> $words
     */
    public static function hold(array $words): self
    {
        // Taken away while it is used: a signal's handler may run a command in between.
        $held = self::$spare;
        self::$spare = null;
        $all = implode('', $words);
        $room = strlen($all);
        $count = count($words);
        if ($held === null || $held->words < $count || $held->room < $room) {
            $held = new self(max(16, $count), max(4096, $room));
        }
        if ($room > 0) {
            FFI::memcpy($held->bytes, $all, $room);
        }
        $at = 0;
        foreach ($words as $index => $word) {
            $length = strlen($word);
            $held->argv[$index] = $held->start + $at;
            $held->lens[$index] = $length;
            $at += $length;
        }
        $held->count = $count;
        return $held;
    }

    public function release(): void
    {
        // What one huge command needed is not kept for ever.
        if ($this->room <= 1 << 20) {
            self::$spare = $this;
        }
    }

    /**
     * The words that arguments stand for: lists are laid flat, maps give key and value in turn.
     *
     * @param array<mixed> $arguments
     * @return list<string>
     */
    public static function of(array $arguments): array
    {
        $words = [];
        foreach ($arguments as $argument) {
            if (is_string($argument)) {
                $words[] = $argument;
            } elseif (is_array($argument)) {
                $is_list = array_is_list($argument);
                foreach ($argument as $key => $value) {
                    if (!$is_list) {
                        $words[] = (string) $key;
                    }
                    $words[] = self::word($value);
                }
            } else {
                $words[] = self::word($argument);
            }
        }
        return $words;
    }

    private static function word(mixed $value): string
    {
        return match (true) {
            is_string($value), is_int($value), $value instanceof \Stringable => (string) $value,
            // As many digits as it takes to read the same number back.
            is_float($value) => is_finite($value) ? json_encode($value) : ($value > 0 ? 'inf' : ($value < 0 ? '-inf' : 'nan')),
            default => throw new ArgumentException('an argument cannot be of type ' . get_debug_type($value), -1),
        };
    }
}

<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI;
use FFI\CData;
use Sentinelle\Exception\ServerException;

/**
 * Decides which PHP value stands for each value of the protocol; a whole reply is read in one call.
 *
 * Nil is null; numbers are int and float; texts of every kind are strings; arrays and sets are lists; maps are arrays by
 * key; an error inside a reply is a ServerException that is not thrown.
 *
 * @internal
 */
final class Reply
{
    /** The value of a reply, which is freed. */
    public static function take(CData $reply): mixed
    {
        $ffi = Library::ffi();
        $words = $ffi->new('int64_t *[1]');
        $blob = $ffi->new('char *[1]');
        $lengths = $ffi->new('size_t[2]');
        try {
            // The reply is ours and the places are new: nothing can be refused.
            $ffi->snl_reply_flat($reply, $words, FFI::addr($lengths[0]), $blob, FFI::addr($lengths[1]));
            $numbers = unpack('q*', FFI::string($words[0], $lengths[0] * 8));
            $bytes = $lengths[1] > 0 ? FFI::string($blob[0], $lengths[1]) : '';
        } finally {
            $ffi->snl_reply_free($reply);
        }
        return self::of($numbers, $bytes);
    }

    /**
     * The value that flat numbers and bytes stand for.
     *
     * @param array<int, int> $numbers from 1 on
     */
    public static function of(array $numbers, string $bytes): mixed
    {
        $at = 1;
        return self::value($numbers, $bytes, $at);
    }

    /** The value of a reply; an error is thrown. */
    public static function takeOrThrow(CData $reply): mixed
    {
        $value = self::take($reply);
        return $value instanceof ServerException ? throw $value : $value;
    }

    /** The parsed JSON in a reply of type bulk. */
    public static function takeJson(CData $reply): array
    {
        return json_decode(self::take($reply), true, 512, JSON_THROW_ON_ERROR);
    }

    /** The value whose three numbers begin at `$at`, which is moved behind it. */
    private static function value(array $numbers, string $bytes, int &$at): mixed
    {
        [$type, $value, $length] = [$numbers[$at], $numbers[$at + 1], $numbers[$at + 2]];
        $at += 3;
        switch ($type) {
            case 0:
                return null;
            case 1:
                return $value;
            case 2:
                return unpack('d', pack('q', $value))[1];
            case 3:
                return $value !== 0;
            case 6:
                return ServerException::ofReply(substr($bytes, $value, $length));
            case 8:
                $map = [];
                for ($pair = 0; $pair < $length; $pair++) {
                    $key = self::value($numbers, $bytes, $at);
                    $map[is_int($key) ? $key : (is_scalar($key) ? (string) $key : json_encode($key))] =
                        self::value($numbers, $bytes, $at);
                }
                return $map;
            case 7:
            case 9:
            case 10:
                $items = [];
                for ($item = 0; $item < $length; $item++) {
                    $items[] = self::value($numbers, $bytes, $at);
                }
                return $items;
            default:
                return substr($bytes, $value, $length);
        }
    }
}

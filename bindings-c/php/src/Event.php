<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI\CData;

/** Something that happened to a sentinel or a discovery. */
final class Event
{
    private function __construct(
        /** The stable name, such as `+switch-master`, `hold-start`, `switched`. */
        public readonly string $name,
        /** Who tells it: `sentinel`, `discovery`, `group` or `log`. */
        public readonly string $source,
        /** The name of the master it concerns; empty when it concerns none. */
        public readonly string $master,
        /** The whole text. */
        public readonly string $text,
        /** When, in milliseconds since 1970. */
        public readonly int $timeMs,
        /** The epoch it tells of; 0 when it tells of none. */
        public readonly int $epoch,
        /** How many events were lost before this one, because they were not fetched. */
        public readonly int $lost,
        /** @var array<string, mixed> everything that is known of it */
        public readonly array $detail,
    ) {
    }

    /** @internal The event of a handle, which is freed. */
    public static function take(CData $event): self
    {
        $ffi = Library::ffi();
        try {
            return new self(
                $ffi->snl_event_name($event),
                $ffi->snl_event_source($event),
                $ffi->snl_event_master($event),
                $ffi->snl_event_text($event),
                $ffi->snl_event_time_ms($event),
                $ffi->snl_event_epoch($event),
                $ffi->snl_event_lost($event),
                json_decode($ffi->snl_event_json($event), true) ?? [],
            );
        } finally {
            $ffi->snl_event_free($event);
        }
    }

    /** @internal The next event that a function gives; null when none came in time. */
    public static function next(string $function, Handle $from, int $timeoutMs): ?self
    {
        $out = Library::place('snl_event *');
        $code = Library::call($function, $from->handle(), $timeoutMs, $out);
        return $code === Library::OK ? self::take($out[0]) : null;
    }

    /**
     * @internal A stream for stream_select over a descriptor.
     * @return resource
     */
    public static function streamOf(int $descriptor)
    {
        return fopen("php://fd/$descriptor", 'r');
    }
}

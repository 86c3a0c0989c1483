<?php

declare(strict_types=1);

namespace Sentinelle;

/** Something a subscription heard. */
final class Message
{
    private function __construct(
        /** `message`; `pmessage` when a pattern brought it; `gap` when messages may have been missed. */
        public readonly string $kind,
        /** The channel; empty of a gap. */
        public readonly string $channel = '',
        /** The pattern that brought it; null when none did. */
        public readonly ?string $pattern = null,
        /** What was published; empty of a gap. */
        public readonly string $payload = '',
        /** How many milliseconds there was no subscription; 0 but for a gap. */
        public readonly int $gapMs = 0,
    ) {
    }

    /**
     * @internal
     * @param list<mixed> $parts
     */
    public static function of(array $parts): self
    {
        return match ($parts[0]) {
            'gap' => new self('gap', gapMs: $parts[3]),
            'pmessage' => new self('pmessage', $parts[2], $parts[1], $parts[3]),
            default => new self('message', $parts[1], null, $parts[2]),
        };
    }
}

<?php

declare(strict_types=1);

namespace Sentinelle;

use FFI\CData;

/** A subscription that moves with the master. */
final class Subscription extends Handle
{
    protected static function freeing(): string
    {
        return 'snl_sub_free';
    }

    /** @internal */
    public function __construct(CData $handle)
    {
        $this->own($handle);
    }

    /** These channels too; returns when the server has confirmed them. */
    public function subscribe(string ...$channels): void
    {
        $this->change(0, $channels);
    }

    /** Not these channels; all when none is named. */
    public function unsubscribe(string ...$channels): void
    {
        $this->change(1, $channels);
    }

    /** These patterns too. */
    public function psubscribe(string ...$patterns): void
    {
        $this->change(2, $patterns);
    }

    /** Not these patterns; all when none is named. */
    public function punsubscribe(string ...$patterns): void
    {
        $this->change(3, $patterns);
    }

    /** The next message; null when none came in time. Negative waits for ever. */
    public function next(int $timeoutMs = -1): ?Message
    {
        $out = Library::place('snl_reply *');
        $code = Library::call('snl_sub_next', $this->handle(), $timeoutMs, $out);
        return $code === Library::OK ? Message::of(Reply::take($out[0])) : null;
    }

    /**
     * A stream for stream_select: readable while a message waits. Command line only.
     *
     * @return resource
     */
    public function stream()
    {
        return Event::streamOf(Library::check('snl_sub_fd', $this->handle()));
    }

    /** @param list<string> $names */
    private function change(int $what, array $names): void
    {
        $held = Words::hold(Words::of($names));
        try {
            Library::call('snl_sub_change', $this->handle(), $what, $held->count, $held->argv, $held->lens, 5000);
        } finally {
            $held->release();
        }
    }
}

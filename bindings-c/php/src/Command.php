<?php

declare(strict_types=1);

namespace Sentinelle;

/**
 * Decides how the words of a command become a command object of the library.
 *
 * @internal
 */
final class Command extends Handle
{
    protected static function freeing(): string
    {
        return 'snl_cmd_free';
    }

    /** @param list<mixed> $words */
    public function __construct(array $words, int $timeoutMs = 0)
    {
        $out = Library::place('snl_cmd *');
        Library::check('snl_cmd_new', $out);
        $this->own($out[0]);
        foreach (Words::of($words) as $word) {
            Library::check('snl_cmd_arg', $this->handle(), $word, strlen($word));
        }
        if ($timeoutMs > 0) {
            Library::call('snl_cmd_flags', $this->handle(), -1, null, $timeoutMs);
        }
    }
}

<?php

declare(strict_types=1);

namespace Sentinelle;

/** What is known of a command that failed. */
enum Outcome: int
{
    /** No byte of it left this process: it was not executed. */
    case NotSent = 0;
    /** The server refused it: it was not executed. */
    case Rejected = 1;
    /** It was sent and no reply came: it may have been executed. */
    case Unknown = 2;
}

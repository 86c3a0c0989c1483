<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use PHPUnit\Framework\TestCase;
use Sentinelle\TestGroup;

/** A test class with a real group of its own, whose master is not taken for dead when it is busy for a moment. */
abstract class GroupCase extends TestCase
{
    protected static TestGroup $group;

    public static function setUpBeforeClass(): void
    {
        self::$group = new TestGroup(['name' => 'shop', 'patience_ms' => 60000, 'down_after_ms' => 1000]);
    }

    public static function tearDownAfterClass(): void
    {
        self::$group->close();
    }
}

<?php

declare(strict_types=1);

namespace Sentinelle\Tests;

use PHPUnit\Framework\TestCase;
use Sentinelle\Exception;
use Sentinelle\Sentinel;

final class SentinelTest extends TestCase
{
    private Sentinel $sentinel;

    protected function setUp(): void
    {
        // Nobody listens at port 1: the master is down from the beginning.
        $this->sentinel = new Sentinel(
            ['listen' => '127.0.0.1:0'],
            ['cart' => ['host' => '127.0.0.1', 'port' => 1, 'quorum' => 2, 'down_after_ms' => 50]],
        );
    }

    protected function tearDown(): void
    {
        $this->sentinel->stop();
    }

    public function test_it_answers_at_its_address(): void
    {
        $client = stream_socket_client('tcp://' . $this->sentinel->address());
        fwrite($client, "PING\r\n");

        $this->assertSame("+PONG\r\n", fgets($client));
        $this->assertMatchesRegularExpression('/^[0-9a-f]{40}$/', $this->sentinel->id());
    }

    public function test_it_answers_commands_in_the_process(): void
    {
        $this->assertSame(['127.0.0.1', '1'], $this->sentinel->command('SENTINEL', 'get-master-addr-by-name', 'cart'));
        $this->assertNull($this->sentinel->command('SENTINEL', 'get-master-addr-by-name', 'nobody'));
    }

    public function test_an_error_reply_is_thrown(): void
    {
        try {
            $this->sentinel->command('SENTINEL', 'master', 'nobody');
            $this->fail('it is refused');
        } catch (Exception\ServerException $exception) {
            $this->assertSame('ERR No such master with that name', $exception->getMessage());
            $this->assertSame('ERR', $exception->serverCode);
        }
    }

    public function test_masters_come_and_go(): void
    {
        $this->sentinel->monitor('till', '127.0.0.1', 2, 1, ['parallel_syncs' => 3]);
        $this->sentinel->set('till', 'down_after_ms', 1234);

        $master = $this->sentinel->command('SENTINEL', 'master', 'till');
        $this->assertSame(['1234', '3'], [$master['down-after-milliseconds'], $master['parallel-syncs']]);
        $this->assertStringContainsString('till', json_encode($this->sentinel->state()));
        $this->sentinel->remove('till');
        $this->expectException(Exception\ServerException::class);
        $this->sentinel->remove('till');
    }

    public function test_too_few_sentinels_are_told(): void
    {
        $this->expectException(Exception\QuorumException::class);

        $this->sentinel->checkQuorum('cart');
    }

    public function test_its_events_are_pulled(): void
    {
        $names = [];
        while (!in_array('+sdown', $names, true) && ($event = $this->sentinel->nextEvent(60000)) !== null) {
            $names[] = $event->name;
            if (in_array($event->name, ['+monitor', '+sdown'], true)) {
                $this->assertSame(['sentinel', 'cart'], [$event->source, $event->master]);
            }
        }

        $this->assertContains('+monitor', $names);
        $this->assertContains('+sdown', $names);
    }

    public function test_its_events_wake_a_select(): void
    {
        $stream = $this->sentinel->eventStream();

        [$read, $write, $except] = [[$stream], null, null];

        $this->assertSame(1, stream_select($read, $write, $except, 60));
        $this->assertNotNull($this->sentinel->nextEvent(0));
    }

    public function test_after_its_end_it_says_so(): void
    {
        $this->sentinel->stop();

        $this->expectException(Exception\StoppedException::class);
        $this->sentinel->state();
    }

    public function test_it_starts_from_the_text_of_a_configuration_file(): void
    {
        $other = new Sentinel(['conf' => "port 0\nbind 127.0.0.1\nsentinel monitor shop 127.0.0.1 1 1\n"]);

        $this->assertSame(['127.0.0.1', '1'], $other->command('SENTINEL', 'get-master-addr-by-name', 'shop'));
        $other->stop();
    }

    public function test_it_cannot_be_serialized(): void
    {
        $this->expectException(Exception\HandleException::class);

        serialize($this->sentinel);
    }
}

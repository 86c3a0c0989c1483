<?php

declare(strict_types=1);

namespace Sentinelle;

/** Commands to be sent together; each method adds one and gives the pipeline back. */
final class Pipeline extends Handle
{
    use Commands;

    private int $count = 0;

    protected static function freeing(): string
    {
        return 'snl_pipe_free';
    }

    /** @internal */
    public function __construct(int $atomic)
    {
        $out = Library::place('snl_pipe *');
        Library::check('snl_pipe_new', $atomic, $out);
        $this->own($out[0]);
    }

    /** @return $this */
    public function execute(array $words, int $timeoutMs = 0): static
    {
        $held = Words::hold(Words::of($words));
        Library::check('snl_pipe_add_argv', $this->handle(), $held->count, $held->argv, $held->lens);
        $held->release();
        $this->count++;
        return $this;
    }

    /**
     * @internal
     * @return list<mixed>
     */
    public function send(Pool $pool): array
    {
        if ($this->count === 0) {
            return [];
        }
        $out = Library::place('snl_reply *');
        Library::call('snl_pipe_exec', $this->handle(), $pool->handle(), $out);
        return Reply::takeOrThrow($out[0]);
    }
}

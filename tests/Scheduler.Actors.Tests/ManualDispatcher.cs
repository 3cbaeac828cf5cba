using Scheduler.Actors.Local;
using Scheduler.Storage.Loop;

namespace Scheduler.Actors.Tests;

/// <summary>Runs actors on the test's own thread, when the test says so.</summary>
internal sealed class ManualDispatcher : IDispatcher
{
    private readonly Queue<ILoopWork> _work = new();

    public void Schedule(Mailbox mailbox)
    {
        lock (_work)
            _work.Enqueue(mailbox);
    }

    public void Post(ILoopWork work)
    {
        lock (_work)
            _work.Enqueue(work);
    }

    public void RunAll()
    {
        while (true)
        {
            ILoopWork? work;
            lock (_work)
            {
                if (!_work.TryDequeue(out work))
                    return;
            }

            work.Run();
        }
    }
}

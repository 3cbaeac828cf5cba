using Scheduler.Storage.Loop;

namespace Scheduler.FrontEnd;

/// <summary>Work of one connection on its loop. A defect there ends that connection, not the loop and with it the process.</summary>
/// <param name="work">The work.</param>
/// <param name="failed">Ends the connection.</param>
internal sealed class GuardedWork(Action work, Action<Exception> failed) : ILoopWork
{
    /// <inheritdoc/>
    public void Run()
    {
        try
        {
            work();
        }
#pragma warning disable CA1031 // Whatever it is, it is this connection's alone.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failed(exception);
        }
    }
}

namespace Scheduler.FrontEnd;

/// <summary>Numbers for connections, over all front ends of a service. Thread-safe.</summary>
public sealed class ConnectionNumbers
{
    private long _last;

    /// <summary>The next one, from 1 on.</summary>
    /// <returns>A number that no other connection has.</returns>
    public long Next() => Interlocked.Increment(ref _last);
}

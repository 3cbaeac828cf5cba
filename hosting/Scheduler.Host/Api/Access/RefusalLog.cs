namespace Scheduler.Host.Api.Access;

/// <summary>Tells of requests that were not let in: at most a line in ten seconds, however many there are.</summary>
/// <param name="logger">Where it is told.</param>
/// <param name="clock">The time.</param>
internal sealed partial class RefusalLog(ILogger logger, TimeProvider clock)
{
    /// <summary>Shortest time between two lines.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private long? _told;
    private long _untold;

    /// <summary>A request was not let in.</summary>
    /// <param name="client">Who made it.</param>
    public void Add(string client)
    {
        long untold;
        lock (_lock)
        {
            if (_told is { } told && clock.GetElapsedTime(told) < Pause)
            {
                _untold++;
                return;
            }

            _told = clock.GetTimestamp();
            untold = _untold;
            _untold = 0;
        }

        Refused(logger, client, untold);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A request to the admin address without a valid token was refused, from {Client}; since the last such line {Count} others")]
    private static partial void Refused(ILogger logger, string client, long count);
}

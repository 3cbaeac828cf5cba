using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>What is counted of a guest while a run goes on. Fixed memory: nothing is kept of a request.</summary>
internal sealed class GuestRecord(MeasuredWindow window, GuestCounts counts, int guest)
{
    /// <summary>Bytes of requests answered well.</summary>
    public long Bytes { get; private set; }

    /// <summary>Requests answered with an error.</summary>
    public long Errors { get; private set; }

    /// <summary>Requests sent, and those of them that had to wait at the guest until there was room.</summary>
    public long SentCount { get; private set; }
    public long LateCount { get; private set; }

    /// <summary>Where answered requests spent their time, in nanoseconds.</summary>
    public long DrainNs { get; private set; }
    public long QueueNs { get; private set; }
    public long BatchNs { get; private set; }
    public long DeviceNs { get; private set; }

    /// <summary>The guest sent a request.</summary>
    public void Sent(long nowNs, bool late)
    {
        if (!window.Contains(nowNs))
            return;
        SentCount++;
        if (late)
            LateCount++;
    }

    /// <summary>The guest got an answer.</summary>
    /// <param name="nowNs">Now.</param>
    /// <param name="latencyNs">Time since the request came, at the guest.</param>
    /// <param name="length">Bytes of the request.</param>
    /// <param name="error">0 or an error.</param>
    public void Answered(long nowNs, long latencyNs, long length, int error)
    {
        if (!window.Contains(nowNs))
            return;
        if (error != 0)
        {
            Errors++;
            return;
        }

        Bytes += length;
        counts.Answered(guest, latencyNs, window.SliceOf(nowNs));
    }

    /// <summary>The volume's scheduler gave an answer.</summary>
    public void Waited(in Effect reply, long nowNs)
    {
        if (reply.Error != 0 || !window.Contains(nowNs))
            return;
        DrainNs += reply.DrainNs;
        QueueNs += reply.QueueNs;
        BatchNs += reply.BatchNs;
        DeviceNs += nowNs - reply.TimeNs - reply.DrainNs - reply.QueueNs - reply.BatchNs;
    }
}

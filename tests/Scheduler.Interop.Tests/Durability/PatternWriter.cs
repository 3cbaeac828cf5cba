using System.Diagnostics;
using System.Net.Sockets;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Durability;

/// <summary>
/// One connection that writes numbered patterns, some with FUA, and flushes, until the service is gone. Several may
/// share a disk; each has blocks of its own, but a flush of any covers the writes of all.
/// </summary>
internal sealed class PatternWriter
{
    private const int BatchMax = 8;

    private readonly PatternDisk _disk;
    private readonly int[] _blocks;
    private readonly Random _random;
    private readonly NbdClient _client;
    private readonly Thread _thread;
    private readonly Dictionary<ulong, (int Block, long Number, bool Fua)> _writes = [];
    private Exception? _surprise;

    /// <param name="service">The service.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="share">Which of the disk's writers this is.</param>
    /// <param name="shares">How many there are.</param>
    /// <param name="seed">Of its choices.</param>
    /// <param name="unix">Over the Unix socket.</param>
    public PatternWriter(ServiceProcess service, PatternDisk disk, int share, int shares, int seed, bool unix = false)
    {
        _disk = disk;
        _blocks = [.. Enumerable.Range(0, disk.Blocks).Where(block => block % shares == share)];
        _random = new Random(seed);
        _client = NbdClient.Open(service, disk.Name, unix);
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Requests that were answered with an error.</summary>
    public int Errors { get; private set; }

    /// <summary>Longest time from the sending of some requests to their last answer.</summary>
    public TimeSpan LongestPause { get; private set; }

    /// <summary>Cuts its connection.</summary>
    public void End() => _client.Socket.Shutdown(SocketShutdown.Both);

    /// <summary>Waits until it has noticed that the service is gone.</summary>
    public void Join()
    {
        _thread.Join();
        _client.Dispose();
        if (_surprise is not null)
            throw new InvalidOperationException("a writer failed", _surprise);
    }

    private void Run()
    {
        try
        {
            while (true)
                Batch();
        }
        catch (Exception exception) when (exception is SocketException or EndOfStreamException)
        {
            // The cut.
        }
        catch (Exception exception)
        {
            _surprise = exception;
        }
    }

    private void Batch()
    {
        // Seldom enough that a cut finds much that is acknowledged and not durable. A flush is sent before or after the
        // writes' replies have come: it covers what was acknowledged when it was sent.
        int flush = _random.Next(12);
        ulong flushCookie = 0;
        long[]? covered = null;
        long begun = Stopwatch.GetTimestamp();
        _random.Shuffle(_blocks);
        int count = _random.Next(1, BatchMax + 1);
        for (int i = 0; i < count; i++)
            SendWrite(_blocks[i], fua: _random.Next(24) == 0);
        if (flush == 0)
        {
            covered = _disk.Covered();
            flushCookie = _client.Send(NbdClient.Flush, 0, 0, 0);
            count++;
        }

        for (int i = 0; i < count; i++)
        {
            (ulong cookie, uint error) = _client.TakeReply();
            Errors += error == 0 ? 0 : 1;
            if (cookie == flushCookie)
            {
                if (error == 0)
                    _disk.Flushed(covered!);
            }
            else if (_writes.Remove(cookie, out (int Block, long Number, bool Fua) write) && error == 0)
            {
                _disk.Acknowledged(write.Block, write.Number, write.Fua);
            }
        }

        TimeSpan pause = Stopwatch.GetElapsedTime(begun);
        LongestPause = pause > LongestPause ? pause : LongestPause;
        if (flush == 1)
        {
            covered = _disk.Covered();
            if (_client.Call(NbdClient.Flush) == 0)
                _disk.Flushed(covered);
        }
    }

    private void SendWrite(int block, bool fua)
    {
        (long number, byte[] data) = _disk.Send(block);
        ulong offset = (ulong)block * PatternDisk.BlockBytes;
        ushort flags = fua ? NbdClient.Fua : (ushort)0;
        ulong cookie = _client.Send(NbdClient.Write, flags, offset, PatternDisk.BlockBytes, data);
        _writes.Add(cookie, (block, number, fua));
    }
}

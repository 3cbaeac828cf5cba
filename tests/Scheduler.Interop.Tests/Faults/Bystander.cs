using System.Diagnostics;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Faults;

/// <summary>A guest of the other volume, which writes, flushes and reads all the time. Nothing of it may fail or be late.</summary>
internal sealed class Bystander : IDisposable
{
    private const int BlockBytes = 4096;

    private readonly NbdClient _client;
    private readonly Task _work;
    private readonly List<double> _times = [];
    private volatile bool _stop;

    public Bystander(ServiceProcess service)
    {
        _client = NbdClient.Open(service, "e0");
        _work = Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Ends it.</summary>
    /// <param name="lateMs">No round of a write, a flush and a read takes as long.</param>
    public void StopWell(double lateMs)
    {
        _stop = true;
        _work.GetAwaiter().GetResult();
        Assert.NotEmpty(_times);
        Assert.True(_times.Max() < lateMs, $"a guest of the other volume waited {_times.Max():F0} ms");
    }

    public void Dispose()
    {
        _stop = true;
        _client.Dispose();
        try
        {
            _work.Wait();
        }
        catch (AggregateException)
        {
            // The test fails for another reason, or has been told already.
        }
    }

    private void Work()
    {
        byte[] data = new byte[BlockBytes];
        for (uint i = 0; !_stop; i++)
        {
            Array.Fill(data, (byte)i);
            ulong offset = i % 1024 * BlockBytes;
            long start = Stopwatch.GetTimestamp();
            Assert.Equal(0u, _client.CallWrite(offset, data));
            Assert.Equal(0u, _client.Call(NbdClient.Flush));
            Assert.Equal(data, _client.CallRead(offset, BlockBytes));
            _times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
    }
}

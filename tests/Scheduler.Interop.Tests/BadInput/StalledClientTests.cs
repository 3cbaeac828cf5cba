using System.Diagnostics;
using System.Net.Sockets;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.BadInput;

/// <summary>A client that never reads its replies stalls itself, and nobody else.</summary>
public sealed class StalledClientTests(ITestOutputHelper output)
{
    private const int Reads = 500;
    private const long GrowthBytesMax = 256 << 20;

    [SkippableTheory]
    [InlineData("d1", 4096)]
    [InlineData("d1", 65536)]
    [InlineData("d1", 1 << 20)]
    [InlineData("d0", 4096)]
    [InlineData("d0", 65536)]
    public void A_client_that_never_reads_stalls_only_itself(string stalledDisk, int length) =>
        Stall(stalledDisk, length);

    // With long requests one connection could take all the buffer memory of its guest.
    [SkippableFact]
    public void A_connection_that_never_reads_leaves_memory_to_the_others_of_its_guest() => Stall("d0", 1 << 20);

    private void Stall(string stalledDisk, int length)
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        using NbdClient other = NbdClient.Open(service, "d0");
        double alone = MedianReadMs(other);
        long residentBefore = service.Process.ResidentBytes;

        using NbdClient stalled = NbdClient.Open(service, stalledDisk);
        int sent = SendUntilNothingGoes(stalled, length);
        double beside = MedianReadMs(other);
        long growth = service.Process.ResidentBytes - residentBefore;

        output.WriteLine($"{sent} reads of {length} sent, memory grew by {growth >> 20} MiB");
        output.WriteLine($"the other's read takes {beside:F3} ms, alone {alone:F3} ms");
        Assert.True(growth < GrowthBytesMax, $"memory grew by {growth} bytes");
        Assert.True(beside < Math.Max(5, 10 * alone), $"the other's read takes {beside} ms, alone {alone} ms");

        // It may come to its senses: all that was sent is answered.
        for (int i = 0; i < Math.Min(sent, 200); i++)
        {
            Assert.Equal(0u, stalled.TakeReply().Error);
            _ = stalled.Receive(length);
        }

        service.AssertNothingBroke();
    }

    private static double MedianReadMs(NbdClient client)
    {
        double[] times = new double[Reads];
        for (int i = 0; i < Reads; i++)
        {
            long start = Stopwatch.GetTimestamp();
            _ = client.CallRead((ulong)i * 4096, 4096);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        return times[Reads / 2];
    }

    // Requests are short; replies fill all buffers between, and then the service has to stop reading.
    private static int SendUntilNothingGoes(NbdClient client, int length)
    {
        byte[] request = NbdClient.Request(NbdClient.Read, 0, 7, 0, (uint)length);
        byte[] many = [.. Enumerable.Repeat(request, 1000).SelectMany(bytes => bytes)];
        client.Socket.Blocking = false;
        long sent = 0;
        int idle = 0;
        while (idle < 50)
        {
            // From where the last piece broke off.
            int start = (int)(sent % request.Length);
            int count = client.Socket.Send(many, start, many.Length - start, SocketFlags.None, out SocketError error);
            sent += Math.Max(0, count);
            idle = count > 0 ? 0 : idle + 1;
            if (error == SocketError.WouldBlock)
                Thread.Sleep(10);
        }

        client.Socket.Blocking = true;
        return (int)(sent / request.Length);
    }
}

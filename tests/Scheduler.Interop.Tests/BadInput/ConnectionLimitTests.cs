using System.Diagnostics;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.BadInput;

public sealed class ConnectionLimitTests
{
    [SkippableFact]
    public void A_handshake_that_takes_too_long_is_ended()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(
            directory, $"nbd.handshake-timeout = 500ms\n{Config.OneVolume(directory, "cache = buffered")}");
        using NbdClient ready = NbdClient.Open(service, "d0");
        using NbdClient silent = NbdClient.Dial(service);
        using NbdClient dallying = NbdClient.Dial(service);
        dallying.TakeGreeting();

        Stopwatch time = Stopwatch.StartNew();
        Assert.True(silent.IsClosedWithin(TimeSpan.FromSeconds(10)));
        Assert.True(dallying.IsClosedWithin(TimeSpan.FromSeconds(10)));
        Assert.InRange(time.ElapsedMilliseconds, 200, 5000);

        // Whoever has chosen its disk may be silent as long as it likes.
        Thread.Sleep(700);
        Assert.Equal(new byte[4096], ready.CallRead(0, 4096));
        service.AssertNothingBroke();
    }

    [SkippableFact]
    public void Connections_beyond_the_limit_are_closed_and_the_others_go_on()
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(
            directory, $"nbd.connections-max = 4\n{Config.OneVolume(directory, "cache = buffered")}");
        NbdClient[] clients = [.. Enumerable.Range(0, 4).Select(i => NbdClient.Open(service, $"d{i % 2}"))];
        try
        {
            using (NbdClient beyond = NbdClient.Dial(service))
                Assert.True(beyond.IsClosedWithin(TimeSpan.FromSeconds(5)));
            Assert.All(clients, client => Assert.Equal(new byte[4096], client.CallRead(0, 4096)));

            // A place that is given up can be taken.
            clients[0].Dispose();
            DateTime deadline = DateTime.UtcNow.AddSeconds(5);
            while (service.Metrics().Sum("scheduler_rings") > 3 && DateTime.UtcNow < deadline)
                Thread.Sleep(20);
            Thread.Sleep(50);
            using NbdClient next = NbdClient.Open(service, "d0");
            Assert.Equal(new byte[4096], next.CallRead(0, 4096));
        }
        finally
        {
            foreach (NbdClient client in clients)
                client.Dispose();
        }
    }

    [SkippableFact]
    public void Three_hundred_connections_work_at_once()
    {
        const int Connections = 300;
        const int Rounds = 10;
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered", disks: 4));
        NbdClient[] clients =
            [.. Enumerable.Range(0, Connections).Select(i => NbdClient.Open(service, $"d{i % 4}", unix: i % 2 == 0))];
        try
        {
            Assert.Equal(Connections, service.Metrics().Sum("scheduler_rings"));
            for (int round = 0; round < Rounds; round++)
            {
                // All have requests in flight before any takes its answers.
                foreach ((int i, NbdClient client) in clients.Index())
                {
                    client.Send(NbdClient.Write, 0, Offset(i), 4096, Block(i, round));
                    client.Send(NbdClient.Flush, 0, 0, 0);
                }

                foreach (NbdClient client in clients)
                {
                    Assert.Equal(0u, client.TakeReply().Error);
                    Assert.Equal(0u, client.TakeReply().Error);
                }

                foreach ((int i, NbdClient client) in clients.Index())
                    Assert.Equal(Block(i, round), client.CallRead(Offset(i), 4096));
            }
        }
        finally
        {
            foreach (NbdClient client in clients)
                client.Dispose();
        }

        service.AssertNothingBroke();

        static ulong Offset(int connection) => (ulong)(connection / 4) * 4096;

        static byte[] Block(int connection, int round)
        {
            byte[] data = new byte[4096];
            new Random((connection * 1000) + round).NextBytes(data);
            return data;
        }
    }
}

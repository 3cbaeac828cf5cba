using System.Net.Sockets;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.BadInput;

/// <summary>Connections that go wrong end alone: another one works all the while.</summary>
public sealed class BadConnectionTests
{
    private static readonly TimeSpan s_closeTimeMax = TimeSpan.FromSeconds(5);
    private static readonly byte[] s_data = [.. Enumerable.Repeat((byte)0x3c, 4096)];

    [SkippableFact]
    public void Handshakes_that_break_end_that_connection_alone() => BesideAnother((service, _) =>
    {
        byte[][] beginnings =
        [
            "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(),
            [0xff, 0xff, 0xff, 0xff], // Flags that do not exist.
            [0, 0, 0, 3, .. "IHAVENOT"u8, 0, 0, 0, 7, 0, 0, 0, 0],
            [0, 0, 0, 3, .. "IHAVEOPT"u8, 0, 0, 0, 7, 0x7f, 0xff, 0xff, 0xff], // An option of 2 GiB.
        ];
        foreach (byte[] beginning in beginnings)
        {
            using NbdClient client = NbdClient.Dial(service);
            client.SendAll(beginning);
            Assert.True(client.IsClosedWithin(s_closeTimeMax), Convert.ToHexString(beginning));
        }
    });

    [SkippableFact]
    public void An_unknown_export_is_refused_and_another_may_be_asked_for() => BesideAnother((service, _) =>
    {
        const uint Unknown = 0x80000006;
        using NbdClient client = NbdClient.Dial(service);
        client.TakeGreeting();
        client.SendOption(7, NbdClient.GoData("nosuchdisk"));
        Assert.Equal(Unknown, client.TakeOptionReplies());
        client.SendOption(7, NbdClient.GoData("d1"));
        Assert.Equal(1u, client.TakeOptionReplies());
        Assert.Equal(new byte[512], client.CallRead(0, 512));

        // EXPORT_NAME has no reply in which to refuse.
        using NbdClient old = NbdClient.Dial(service);
        old.TakeGreeting();
        old.SendOption(1, "nosuchdisk"u8.ToArray());
        Assert.True(old.IsClosedWithin(s_closeTimeMax));
    });

    [SkippableFact]
    public void Requests_that_are_half_sent_end_with_their_connection() => BesideAnother((service, other) =>
    {
        byte[] write = NbdClient.Request(NbdClient.Write, 0, 1, 0, 4096, new byte[4096]);
        foreach (int sent in new[] { 1, 27, 28, 29, write.Length - 1 })
        {
            NbdClient client = NbdClient.Open(service, "d0");
            client.SendAll(write.AsSpan(0, sent));

            // It waits for the rest as long as the client does.
            Thread.Sleep(20);
            Assert.Equal(s_data, other.CallRead(0, 4096));
            client.Dispose();
        }

        Thread.Sleep(100);
        Assert.Equal(s_data, other.CallRead(0, 4096));
    });

    [SkippableFact]
    public void Clients_that_vanish_with_requests_in_flight_leave_nothing_behind() => BesideAnother((service, other) =>
    {
        for (int round = 0; round < 50; round++)
        {
            NbdClient client = NbdClient.Open(service, "d1");
            for (ulong i = 0; i < 32; i += 2)
            {
                client.Send(NbdClient.Write, 0, i * 65536, 65536, new byte[65536]);
                client.Send(NbdClient.Read, 0, (i + 1) * 65536, 65536);
            }

            client.Send(NbdClient.Flush, 0, 0, 0);

            // Every second one with a reset, so that what is under way to it is thrown away.
            if (round % 2 == 0)
                client.Socket.LingerState = new LingerOption(true, 0);
            client.Dispose();
        }

        WaitUntil(() => service.Metrics().Sum("scheduler_rings") == 1, "rings are left");
        WaitUntil(() => service.Metrics().Sum("scheduler_queue_depth") == 0, "requests are left");
        Assert.Equal(s_data, other.CallRead(0, 4096));
    });

    // Runs something bad while another client reads and writes; that one must not notice.
    private static void BesideAnother(Action<ServiceProcess, NbdClient> bad)
    {
        using TemporaryDirectory directory = new();
        using ServiceProcess service = ServiceProcess.Start(directory, Config.OneVolume(directory, "cache = buffered"));
        using (NbdClient other = NbdClient.Open(service, "d0"))
        {
            Assert.Equal(0u, other.CallWrite(0, s_data));
            bad(service, other);
            Assert.Equal(0u, other.CallWrite(4096, s_data, NbdClient.Fua));
            Assert.Equal(s_data, other.CallRead(4096, 4096));
            Assert.Equal(0u, other.Call(NbdClient.Flush));
        }

        WaitUntil(() => service.Metrics().Sum("scheduler_rings") == 0, "rings are left");
        service.AssertNothingBroke();
    }

    private static void WaitUntil(Func<bool> holds, string otherwise)
    {
        DateTime deadline = DateTime.UtcNow.AddSeconds(10);
        while (!holds())
        {
            Assert.True(DateTime.UtcNow < deadline, otherwise);
            Thread.Sleep(20);
        }
    }
}

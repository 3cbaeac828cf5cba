using System.Diagnostics;
using System.Net.Sockets;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;
using Xunit.Abstractions;

namespace Scheduler.Interop.Tests.Access;

/// <summary>Clients that dally, stall, or go away inside TLS harm themselves alone.</summary>
public sealed class TlsStallTests(ITestOutputHelper output)
{
    private static readonly TimeSpan s_generous = TimeSpan.FromSeconds(20);

    [SkippableTheory]

    // There is room beside them; all places of handshakes are theirs; all places at all are theirs.
    [InlineData("")]
    [InlineData("nbd.handshakes-max = 50")]
    [InlineData("nbd.connections-max = 200")]
    public void Two_hundred_that_stall_inside_the_handshake_keep_nobody_out(string limits)
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start($"nbd.handshake-timeout = 3s\n{limits}");
        int sockets = Sockets(service);
        List<NbdClient> stalled = [];
        try
        {
            for (int i = 0; i < 200; i++)
            {
                NbdClient client = NbdClient.Dial(service);
                stalled.Add(client);
                client.TakeGreeting();
                client.SendAll([.. "IHAVEOPT"u8, 0, 0, 0, 5, 0, 0, 0, 0]);
                _ = client.Receive(20);

                // Nothing of TLS, or the beginning of a message.
                if (i % 2 == 0)
                    client.SendAll([0x16, 3, 1, 1, 0, 1]);
            }

            Stopwatch time = Stopwatch.StartNew();
            using (NbdClient good = NbdClient.OpenTls(service, "d0", place.Web))
            {
                Assert.Equal(new byte[4096], good.CallRead(0, 4096));
                output.WriteLine($"a good client got its disk after {time.ElapsedMilliseconds} ms");
            }

            // The others are sent away when their time is over.
            foreach (NbdClient client in stalled)
                Assert.True(client.IsClosedWithin(s_generous));
        }
        finally
        {
            foreach (NbdClient client in stalled)
                client.Dispose();
        }

        AssertNothingLeft(service, sockets);
    }

    [SkippableFact]
    public void A_guest_has_its_number_of_connections_and_takes_no_other_guests()
    {
        const uint OptionGo = 7;
        const uint ErrorShutdown = 0x80000007;
        using TlsPlace place = new();
        using ServiceProcess service = place.Start("guests.g0.connections-max = 2");
        NbdClient first = NbdClient.OpenTls(service, "d0", place.Web);
        using NbdClient second = NbdClient.OpenTls(service, "d0", place.Web);
        using NbdClient third = NbdClient.Dial(service);
        third.TakeGreeting();
        third.StartTls(place.Web);
        Assert.Equal(ErrorShutdown, Go(third));
        using NbdClient other = NbdClient.OpenTls(service, "d1", place.Db);
        Assert.Equal(new byte[4096], other.CallRead(0, 4096));

        // The place of one that has gone is free.
        first.Dispose();
        service.Process.WaitUntil(() => Go(third) == 1, s_generous, "its place is not free");
        Assert.Equal(new byte[4096], third.CallRead(0, 4096));
        service.AssertNothingBroke();

        static uint Go(NbdClient client)
        {
            client.SendOption(OptionGo, NbdClient.GoData("d0"));
            return client.TakeOptionReplies();
        }
    }

    [SkippableFact]
    public void A_client_that_stops_reading_stalls_only_itself()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        using NbdClient other = NbdClient.OpenTls(service, "d1", place.Db);
        long before = service.Process.ResidentBytes;

        // Much more than all buffers between; the sending of requests would block in the end, too.
        using NbdClient stalled = NbdClient.OpenTls(service, "d0", place.Web);
        for (int i = 0; i < 1000; i++)
            _ = stalled.Send(NbdClient.Read, 0, 0, 64 << 10);
        Stopwatch time = Stopwatch.StartNew();
        for (uint i = 0; i < 200; i++)
        {
            Assert.Equal(0u, other.CallWrite(i * 4096, new byte[4096]));
            _ = other.CallRead(i * 4096, 4096);
        }

        output.WriteLine($"400 requests beside it took {time.ElapsedMilliseconds} ms");
        Assert.True(time.Elapsed < s_generous, $"{time.Elapsed}");
        long growth = service.Process.ResidentBytes - before;
        Assert.True(growth < 200 << 20, $"memory grew by {growth} bytes");

        // It may come to its senses.
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(0u, stalled.TakeReply().Error);
            _ = stalled.Receive(64 << 10);
        }

        service.AssertNothingBroke();
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_client_that_goes_away_leaves_nothing_behind(bool resets)
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        int sockets = Sockets(service);
        for (int i = 0; i < 20; i++)
        {
            using NbdClient client = NbdClient.OpenTls(service, "d0", place.Web);
            for (int j = 0; j < 300; j++)
                _ = client.Send(NbdClient.Read, 0, 0, 64 << 10);
            if (resets)
                client.Socket.LingerState = new LingerOption(true, 0);
        }

        AssertNothingLeft(service, sockets);
        using NbdClient next = NbdClient.OpenTls(service, "d0", place.Web);
        Assert.Equal(new byte[4096], next.CallRead(0, 4096));
    }

    [SkippableFact]
    public void A_disconnect_and_a_stop_end_the_stream_as_TLS_does()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        using NbdClient leaving = NbdClient.OpenTls(service, "d0", place.Web);
        using NbdClient staying = NbdClient.OpenTls(service, "d1", place.Db);
        _ = leaving.Send(NbdClient.Read, 0, 0, 4096);
        _ = leaving.Send(NbdClient.Disconnect, 0, 0, 0);
        Assert.Equal(0u, leaving.TakeReply().Error);
        _ = leaving.Receive(4096);
        Assert.Throws<EndOfStreamException>(() => leaving.Receive(1));

        // What was accepted before a stop is answered.
        const int Requests = 100;
        for (uint i = 0; i < Requests; i++)
            _ = staying.Send(NbdClient.Write, 0, i * 4096, 4096, new byte[4096]);
        Assert.Equal(0u, staying.TakeReply().Error);
        service.Process.Terminate();
        int answered = 1;
        try
        {
            for (; answered < Requests; answered++)
                _ = staying.TakeReply();
            _ = staying.Receive(1);
        }
        catch (EndOfStreamException)
        {
            // No error of TLS: the end was told.
        }

        output.WriteLine($"{answered} answered");
        Assert.Equal(0, service.Process.WaitForExit(ServiceProcess.StopTimeMax));
    }

    [SkippableFact]
    public void A_stop_waits_no_longer_for_a_client_that_does_not_read()
    {
        using TlsPlace place = new();
        using ServiceProcess service = place.Start();
        using NbdClient stalled = NbdClient.OpenTls(service, "d0", place.Web);
        for (int i = 0; i < 1000; i++)
            _ = stalled.Send(NbdClient.Read, 0, 0, 64 << 10);
        service.Stop();
    }

    // Neither connections nor descriptors.
    private static void AssertNothingLeft(ServiceProcess service, int sockets)
    {
        service.Process.WaitUntil(() => Sockets(service) <= sockets, s_generous, "sockets are left");
        Assert.Equal(0, service.Metrics().Sum("scheduler_rings"));
        service.AssertNothingBroke();
    }

    private static int Sockets(ServiceProcess service) =>
        Directory.GetFiles($"/proc/{service.Process.Id}/fd").Count(file =>
        {
            try
            {
                return File.ResolveLinkTarget(file, false)?.Name.StartsWith("socket:", StringComparison.Ordinal) == true;
            }
            catch (IOException)
            {
                return false;
            }
        });
}

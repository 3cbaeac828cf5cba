using System.Net;
using System.Net.Sockets;
using Scheduler.Actors;
using Scheduler.Host.Cluster.Link;
using Scheduler.Storage;

namespace Scheduler.Cluster.Tests.Link;

/// <summary>A node that breaks the rules, or falls silent: its connection is closed with an error that names it, and nothing else happens.</summary>
public sealed class HostileNodeTests
{
    private static readonly LinkOptions s_hurried = new() { PingEvery = TimeSpan.FromMilliseconds(25), SilenceMax = TimeSpan.FromMilliseconds(500) };

    public static TheoryData<string> Violations => [.. s_violations.Keys];

    private static readonly Dictionary<string, (Func<LinkTicket, LinkFrame[]> Frames, string Problem)> s_violations = new()
    {
        ["a payload that is too large"] = (ticket => [Write(ticket, LinkFrame.DataBytesMax + 512)], "longer than"),
        ["a payload that is no number"] = (ticket => [Write(ticket, 512) with { PayloadBytes = -1 }], "brings -1"),
        ["a slot beyond the credits"] = (ticket => [Write(ticket, 0) with { Slot = 8 }], "volume v, disk d: a request takes slot 8, of 8 credits"),
        ["a slot below 0"] = (ticket => [Write(ticket, 0) with { Slot = -1 }], "volume v, disk d: a request takes slot -1"),
        ["a slot that is in use"] = (ticket => [Write(ticket, 0) with { Op = RingOp.Read, Length = 512 }, Write(ticket, 0)], "volume v, disk d: slot 0 takes a request while it has one"),
        ["another epoch"] = (ticket => [Write(ticket, 0) with { Epoch = 7 }], "volume v, disk d: a request is of epoch 7, the ring is of epoch 1"),
        ["another stream"] = (ticket => [Write(ticket, 0) with { Stream = 1 }], "volume v, disk d: a request is of stream 1, of 1"),
        ["another ticket"] = (ticket => [Write(ticket, 0) with { Ticket = ticket.Id + 1 }], "which no ring has opened here"),
        ["a ticket that was not given out"] = (ticket => [new LinkFrame { Type = LinkFrameType.Open, Ticket = 12345 }], "which is not known"),
        ["a ticket that has been used"] = (ticket => [new LinkFrame { Type = LinkFrameType.Open, Ticket = ticket.Id, Epoch = 1 }], "which has been used"),
        ["a reply"] = (ticket => [new LinkFrame { Type = LinkFrameType.Reply, Ticket = ticket.Id, Epoch = 1 }], "not for the owner"),
        ["a frame of no type"] = (ticket => [new LinkFrame { Type = (LinkFrameType)77 }], "frame type 77"),
        ["an operation of no kind"] = (ticket => [Write(ticket, 0) with { Op = (RingOp)9 }], "operation 9"),
        ["more than the guest may have"] = (ticket => [Read(ticket, 0), Read(ticket, 1), Read(ticket, 2)], "volume v, disk d: Read of 1048576 bytes is beyond the 2097152 that guest g may have"),
        ["a request after the end"] = (ticket => [new LinkFrame { Type = LinkFrameType.Detach, Ticket = ticket.Id, Epoch = 1 }, Write(ticket, 0)], ""),
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public async Task S1_A_guests_node_that_breaks_the_rules_loses_its_connection(string what)
    {
        await using LinkRig rig = await LinkRig.StartAsync(bufferBytes: 2 << 20);
        TestRing other = await rig.OpenAsync();
        rig.Device.Hold(DeviceOp.Read);
        LinkTicket ticket = await rig.Server.OfferAsync(rig.Setup(99, node: "bad"));
        using RawNode node = await RawNode.ConnectAsync(rig.Owner.Address, "bad");
        node.Send(new LinkFrame { Type = LinkFrameType.Open, Ticket = ticket.Id, Epoch = ticket.Epoch });
        (Func<LinkTicket, LinkFrame[]> frames, string problem) = s_violations[what];
        foreach (LinkFrame frame in frames(ticket))
            node.Send(frame);
        string said = await node.ReceiveToEndAsync();
        await TestTime.Until(() => rig.Log.Errors.Any(), "an error");
        string error = Assert.Single(rig.Log.Errors);
        Assert.StartsWith("Link of node owner: node bad (127.0.0.1:", error, StringComparison.Ordinal);
        Assert.Contains(problem, error, StringComparison.Ordinal);
        Assert.Contains(problem, said, StringComparison.Ordinal);
        if (what != "a request after the end")
            Assert.Contains("volumes v, is closed", error, StringComparison.Ordinal);

        // Others go on, and what it had is given back.
        rig.Device.LetGo();
        Assert.Equal(0, await other.DoAsync(RingOp.Write, 0, new byte[4096]));
        await TestTime.Until(() => rig.Server.UsedBufferBytes == 0 && rig.OwnerActors == 2, "its ring is over");
    }

    [Fact]
    public async Task A_ticket_is_good_for_its_own_node_only()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        LinkTicket ticket = await rig.Server.OfferAsync(rig.Setup(99));
        using RawNode node = await RawNode.ConnectAsync(rig.Owner.Address, "bad");
        node.Send(new LinkFrame { Type = LinkFrameType.Open, Ticket = ticket.Id, Epoch = ticket.Epoch });
        Assert.Contains("a ticket of node guest", await node.ReceiveToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Any_bytes_close_the_connection_and_nothing_else()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        TestRing other = await rig.OpenAsync();
        Random random = new(3);
        for (int i = 0; i < 30; i++)
        {
            byte[] garbage = new byte[random.Next(100, 5000)];
            random.NextBytes(garbage);
            using RawNode node = i % 2 == 0 ? await RawNode.ConnectSilentlyAsync(rig.Owner.Address) : await RawNode.ConnectAsync(rig.Owner.Address, "bad");
            node.Send(garbage);
            _ = await node.ReceiveToEndAsync();
        }

        Assert.Equal(0, await other.DoAsync(RingOp.Write, 0, new byte[4096]));
        await TestTime.Until(() => rig.Log.Errors.Count() == 30, "an error for each");
        Assert.All(rig.Log.Errors, error => Assert.Contains("127.0.0.1:", error, StringComparison.Ordinal));
        Assert.DoesNotContain(rig.Log.Errors, error => error.Contains("defect", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_that_is_cut_off_gives_its_buffer_back()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        LinkTicket ticket = await rig.Server.OfferAsync(rig.Setup(99));
        using (RawNode node = await RawNode.ConnectAsync(rig.Owner.Address))
        {
            node.Send(new LinkFrame { Type = LinkFrameType.Open, Ticket = ticket.Id, Epoch = ticket.Epoch });
            node.Send(Write(ticket, 1 << 20), new byte[100_000]);
            await TestTime.Until(() => rig.Server.UsedBufferBytes == 1 << 20, "the write is being received");
        }

        await TestTime.Until(() => rig.Server.UsedBufferBytes == 0, "its buffer is back");
        Assert.Empty(rig.Log.Errors);
    }

    [Fact]
    public async Task A_node_that_falls_silent_is_gone_soon()
    {
        await using LinkRig rig = await LinkRig.StartAsync(s_hurried);
        LinkTicket ticket = await rig.Server.OfferAsync(rig.Setup(99));
        using RawNode silent = await RawNode.ConnectAsync(rig.Owner.Address);
        silent.Send(new LinkFrame { Type = LinkFrameType.Open, Ticket = ticket.Id, Epoch = ticket.Epoch });
        using RawNode dumb = await RawNode.ConnectSilentlyAsync(rig.Owner.Address);
        _ = await silent.ReceiveToEndAsync();
        _ = await dumb.ReceiveToEndAsync();
        await TestTime.Until(() => rig.OwnerActors == 1, "its ring is over");
        Assert.Contains(rig.Log.Lines, line => line.StartsWith("Link of node owner with node guest (127.0.0.1:", StringComparison.Ordinal)
            && line.EndsWith("closed: nothing was heard for 0.5 s", StringComparison.Ordinal));

        // Who has nothing to say, but is there, stays.
        TestRing ring = await rig.OpenAsync();
        await Task.Delay(2 * s_hurried.SilenceMax);
        Assert.Equal(0, await ring.DoAsync(RingOp.Write, 0, new byte[4096]));
    }

    [Theory]
    [InlineData("silent", "no answer for 0.5 s")]
    [InlineData("closes", "the other node has closed it")]
    [InlineData("other", "it says that it is node other")]
    [InlineData("garbage", "it does not speak this protocol")]
    [InlineData("version", "it speaks version 99, this node 2; run the same version on both")]
    [InlineData("unasked", "which slot 0 does not have")]
    [InlineData("slot", "a reply names slot 8, of 8 credits")]
    [InlineData("epoch", "a reply is of epoch 2, the ring is of epoch 1")]
    [InlineData("late", "a reply comes after the ring's end")]
    [InlineData("cleared", "a fault is cleared after the ring's end")]
    [InlineData("uncleared", "a ring is told of 0 clearings")]
    [InlineData("long", "a reply to Read of 4096 bytes brings 8192")]
    [InlineData("map", "a reply to Status is no map")]
    [InlineData("released", "the ring is released, but has not ended")]
    [InlineData("failed", "the other node says: no")]
    public async Task An_owner_that_is_no_owner_is_gone_to_its_rings(string what, string reason)
    {
        await using LinkRig rig = await LinkRig.StartAsync(what == "silent" ? s_hurried : null);
        using Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        LinkTicket ticket = new(5, 1, 8, "g", 64 << 20);
        TestRing ring = await rig.OpenAtAsync(new LinkPeer("false", (IPEndPoint)listener.LocalEndPoint!), ticket);
        _ = ring.SendAsync(0, what == "map" ? RingOp.Status : RingOp.Read, 0, 4096);
        await rig.SettleGuestAsync();
        using RawNode owner = await RawNode.AcceptAsync(listener);
        if (what == "closes")
        {
            _ = await owner.ReceiveHelloAsync();
            owner.Dispose();
        }
        else if (what != "silent")
        {
            Assert.Equal("guest", await owner.ReceiveHelloAsync());
            owner.Send(what switch
            {
                "garbage" => new byte[100],
                "version" => OfVersion99("false"),
                _ => LinkHello.Encode(what == "other" ? "other" : "false"),
            });
            if (what is not ("garbage" or "other" or "version"))
            {
                Assert.Equal(LinkFrameType.Open, (await owner.ReceiveAsync()).Frame.Type);
                LinkFrame request = (await owner.ReceiveAsync()).Frame;
                LinkFrame reply = new() { Type = LinkFrameType.Reply, Ticket = 5, Epoch = 1, RequestId = request.RequestId, Error = 5 };
                LinkFrame[] frames = what switch
                {
                    "unasked" => [reply with { RequestId = request.RequestId + 1 }],
                    "slot" => [reply with { Slot = 8 }],
                    "epoch" => [reply with { Epoch = 2 }],
                    "late" => [new LinkFrame { Type = LinkFrameType.Closed, Ticket = 5, Epoch = 1 }, reply],
                    "cleared" => [new LinkFrame { Type = LinkFrameType.Closed, Ticket = 5, Epoch = 1 }, new LinkFrame { Type = LinkFrameType.Cleared, Ticket = 5, Epoch = 1, Clearings = 1 }],
                    "uncleared" => [new LinkFrame { Type = LinkFrameType.Cleared, Ticket = 5, Epoch = 1 }],
                    "long" => [reply with { Error = 0, PayloadBytes = 8192 }],
                    "map" => [reply with { Error = 0, PayloadBytes = 24 }],
                    "released" => [new LinkFrame { Type = LinkFrameType.Released, Ticket = 5, Epoch = 1 }],
                    _ => [],
                };
                foreach (LinkFrame frame in frames)
                    owner.Send(frame, what == "map" ? new byte[24] : null);
                if (what == "failed")
                    owner.Send(new LinkFrame { Type = LinkFrameType.Failed, PayloadBytes = 2 }, "no"u8.ToArray());
            }
        }

        Assert.Equal("the scheduler of volume v-0 has stopped", await ring.Closed.WaitAsync(TestTime.Max));
        Assert.Equal([0], ring.Unanswered);
        await ring.Memory.Returned.WaitAsync(TestTime.Max);
        await TestTime.Until(() => rig.Log.Lines.Any(line => line.Contains("node false", StringComparison.Ordinal) && line.Contains(reason, StringComparison.Ordinal)), reason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task S3_A_link_that_never_works_ends_with_an_error_at_the_guest_in_its_time(bool closes)
    {
        await using LinkRig rig = await LinkRig.StartAsync(s_hurried);
        using Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using CancellationTokenSource end = new();
        Task accepting = AcceptAsync();
        TestRing ring = await rig.OpenAtAsync(new LinkPeer("false", (IPEndPoint)listener.LocalEndPoint!), new LinkTicket(5, 1, 8, "g", 64 << 20), TimeSpan.FromSeconds(1));
        _ = ring.SendAsync(3, RingOp.Write, 0, 4096);

        // Each time that nothing is heard takes half a second: that counts.
        Assert.StartsWith("no scheduler of volume v-0 has taken the ring for ", await ring.Closed.WaitAsync(TimeSpan.FromSeconds(10)), StringComparison.Ordinal);
        Assert.Equal([3], ring.Unanswered);
        await end.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => accepting);

        async Task AcceptAsync()
        {
            List<Socket> silent = [];
            try
            {
                while (true)
                {
                    Socket accepted = await listener.AcceptAsync(end.Token);
                    if (closes)
                        accepted.Dispose();
                    else
                        silent.Add(accepted);
                }
            }
            finally
            {
                silent.ForEach(socket => socket.Dispose());
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3000)]
    public async Task S3_Nothing_is_written_into_a_rings_memory_after_its_end(int before)
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        using Socket listener = new(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        TestRing ring = await rig.OpenAtAsync(new LinkPeer("false", (IPEndPoint)listener.LocalEndPoint!), new LinkTicket(5, 1, 8, "g", 64 << 20));
        ring.Memory.Hold();
        ring.Data(0, 8192).Fill(1);
        _ = ring.SendAsync(0, RingOp.Read, 0, 8192);
        using RawNode owner = await RawNode.AcceptAsync(listener);
        owner.Send(LinkHello.Encode("false"));
        _ = await owner.ReceiveHelloAsync();
        _ = await owner.ReceiveAsync();
        LinkFrame request = (await owner.ReceiveAsync()).Frame;
        byte[] reply = new byte[LinkFrame.Bytes + 8192];
        reply.AsSpan().Fill(2);
        new LinkFrame { Type = LinkFrameType.Reply, Ticket = 5, Epoch = 1, RequestId = request.RequestId, PayloadBytes = 8192 }.Encode(reply);
        if (before > 0)
        {
            owner.Send(reply.AsSpan(0, LinkFrame.Bytes + before));
            await TestTime.Until(() => ring.Data(0, 8192)[before - 1] == 2, "the reply is being received");
        }

        ring.Close();
        Assert.Equal(LinkFrameType.Detach, (await owner.ReceiveAsync()).Frame.Type);
        owner.Send(reply.AsSpan(before > 0 ? LinkFrame.Bytes + before : 0));
        owner.Send(new LinkFrame { Type = LinkFrameType.Released, Ticket = 5, Epoch = 1 });
        owner.Send(new LinkFrame { Type = LinkFrameType.Released, Ticket = 5, Epoch = 1 });
        await TestTime.Until(() => rig.Log.Errors.Any(error => error.Contains("which no ring has", StringComparison.Ordinal)), "all of it was taken");
        Assert.Equal(before, ring.Data(0, 8192).IndexOf((byte)1));
        Assert.False(ring.Data(0, 8192)[before..].Contains((byte)2));
        ring.Memory.LetGo();
    }

    [Fact]
    public async Task A_node_of_another_version_is_refused_and_hears_which_this_one_speaks()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        using RawNode node = await RawNode.ConnectSilentlyAsync(rig.Owner.Address);
        node.Send(OfVersion99("guest"));
        Assert.Equal("owner", await node.ReceiveHelloAsync());
        Assert.Equal("", await node.ReceiveToEndAsync());
        await TestTime.Until(() => rig.Log.Errors.Any(), "an error");
        string error = Assert.Single(rig.Log.Errors);
        Assert.StartsWith("Link of node owner: 127.0.0.1:", error, StringComparison.Ordinal);
        Assert.Contains("it speaks version 99, this node 2; run the same version on both", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_is_not_there_is_gone_to_its_rings()
    {
        await using LinkRig rig = await LinkRig.StartAsync();
        using Socket unused = new(SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        TestRing ring = await rig.OpenAtAsync(new LinkPeer("false", (IPEndPoint)unused.LocalEndPoint!), new LinkTicket(5, 1, 8, "g", 64 << 20));
        Assert.Equal("the scheduler of volume v-0 has stopped", await ring.Closed.WaitAsync(TestTime.Max));
        Assert.Contains(rig.Log.Lines, line => line.Contains("node false", StringComparison.Ordinal) && line.Contains("can't connect", StringComparison.Ordinal));
    }

    private static byte[] OfVersion99(string node)
    {
        byte[] hello = LinkHello.Encode(node);
        hello[8] = 99;
        return hello;
    }

    private static LinkFrame Write(LinkTicket ticket, int length) => new()
    {
        Type = LinkFrameType.Request,
        Op = length == 0 ? RingOp.Flush : RingOp.Write,
        Ticket = ticket.Id,
        Epoch = ticket.Epoch,
        RequestId = 1,
        Length = length,
        PayloadBytes = length,
    };

    private static LinkFrame Read(LinkTicket ticket, int slot) => Write(ticket, 0) with { Op = RingOp.Read, Slot = slot, Length = 1 << 20 };
}

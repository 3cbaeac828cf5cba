using System.Text;

namespace Scheduler.Core.Tests.Rules;

/// <summary>
/// What reaches the device, and when the guest is answered, in each ordered mode: to be read beside the table of
/// Documentation/block/barriers.txt (before Linux 2.6.37).
/// </summary>
public sealed class OrderedModeTests
{
    private static readonly (string Name, RequestOp Op, RequestFlags Flags)[] s_requests =
    [
        ("write", RequestOp.Write, RequestFlags.None),
        ("barrier write", RequestOp.BarrierWrite, RequestFlags.None),
        ("empty barrier", RequestOp.EmptyBarrier, RequestFlags.None),
        ("flush", RequestOp.Flush, RequestFlags.None),
        ("FUA write", RequestOp.Write, RequestFlags.Fua),
    ];

    // Each cell: what is sent to the device for the request, "=" where it is answered, and ">" where a write that was sent
    // right behind it is started. W: write, W!: durable write (RWF_DSYNC), F: flush, E: answered "not supported".
    [Fact]
    public void O2_O5_with_a_volatile_cache() => AssertTable(
        """
        mode         write     barrier write  empty barrier  flush     FUA write
        None         W > =     E= >           E= >           F > =     W! > =
        Drain        W > =     F W F = >      F = >          F > =     W! > =
        DrainFlush   W > =     F W F = >      F = >          F > =     W! > =
        DrainFua     W > =     F W! = >       F = >          F > =     W! > =
        Tag          W > =     F W F = >      F = >          F > =     W! > =
        TagFlush     W > =     F W F = >      F = >          F > =     W! > =
        TagFua       W > =     F W! = >       F = >          F > =     W! > =
        FlushFua     W > =     E= >           E= >           F > =     W! > =
        """,
        new DomainSpec(1 << 20, VolatileCache: true, DurableWrites: false, SupportsDsync: true));

    [Fact]
    public void O2_O5_with_a_volatile_cache_and_no_durable_write() => AssertTable(
        """
        mode         write     barrier write  empty barrier  flush     FUA write
        None         W > =     E= >           E= >           F > =     W > F =
        Drain        W > =     F W F = >      F = >          F > =     W > F =
        DrainFlush   W > =     F W F = >      F = >          F > =     W > F =
        DrainFua     W > =     F W F = >      F = >          F > =     W > F =
        Tag          W > =     F W F = >      F = >          F > =     W > F =
        TagFlush     W > =     F W F = >      F = >          F > =     W > F =
        TagFua       W > =     F W F = >      F = >          F > =     W > F =
        FlushFua     W > =     E= >           E= >           F > =     W > F =
        """,
        new DomainSpec(1 << 20, VolatileCache: true, DurableWrites: false, SupportsDsync: false));

    [Fact]
    public void O2_O5_without_a_volatile_cache() => AssertTable(
        """
        mode         write     barrier write  empty barrier  flush     FUA write
        None         W > =     E= >           E= >           = >       W > =
        Drain        W > =     W = >          = >            = >       W > =
        DrainFlush   W > =     W = >          = >            = >       W > =
        DrainFua     W > =     W = >          = >            = >       W > =
        Tag          W > =     W = >          = >            = >       W > =
        TagFlush     W > =     W = >          = >            = >       W > =
        TagFua       W > =     W = >          = >            = >       W > =
        FlushFua     W > =     E= >           E= >           = >       W > =
        """,
        new DomainSpec(1 << 20, VolatileCache: false, DurableWrites: true, SupportsDsync: true));

    // Another write, "<" where it is answered, was sent before and is on its way. A barrier waits for it: the drain of the
    // modes' names. A flush covers what was answered before only (F2), and waits for nothing.
    [Fact]
    public void O2_O5_behind_a_write_that_is_on_its_way() => AssertTable(
        """
        mode         write     barrier write  empty barrier  flush     FUA write
        None         W > < =   E= > <         E= > <         F > < =   W! > < =
        Drain        W > < =   < F W F = >    < F = >        F > < =   W! > < =
        DrainFlush   W > < =   < F W F = >    < F = >        F > < =   W! > < =
        DrainFua     W > < =   < F W! = >     < F = >        F > < =   W! > < =
        Tag          W > < =   < F W F = >    < F = >        F > < =   W! > < =
        TagFlush     W > < =   < F W F = >    < F = >        F > < =   W! > < =
        TagFua       W > < =   < F W! = >     < F = >        F > < =   W! > < =
        FlushFua     W > < =   E= > <         E= > <         F > < =   W! > < =
        """,
        new DomainSpec(1 << 20, VolatileCache: true, DurableWrites: false, SupportsDsync: true),
        onItsWay: true);

    private static void AssertTable(string expected, DomainSpec domain, bool onItsWay = false)
    {
        StringBuilder table = new("mode         write     barrier write  empty barrier  flush     FUA write");
        foreach (OrderedMode mode in Enum.GetValues<OrderedMode>())
        {
            string[] cells = [.. s_requests.Select(request => Carry(mode, domain, request.Op, request.Flags, onItsWay))];
            table.Append('\n').Append($"{mode,-12} {cells[0],-9} {cells[1],-14} {cells[2],-14} {cells[3],-9} {cells[4]}".TrimEnd());
        }

        Assert.Equal(expected, table.ToString());
    }

    // One request on a disk with an answered, unflushed write, and another write right behind it.
    private static string Carry(OrderedMode mode, DomainSpec domain, RequestOp op, RequestFlags flags, bool onItsWay)
    {
        VolumeCore core = new(new VolumeSpec
        {
            Domains = [domain],
            Guests = [new GuestSpec { Name = "g" }],
            Disks = [new DiskSpec { Name = "d", Guest = 0, Ordered = mode, Extents = [new Extent(0, 0, 0, 1 << 20)] }],
        });
        long now = 0;
        List<string> seen = [];
        Queue<int> onDevice = new();

        Step(VolumeEvent.Attach(0, 0, 8));

        // The first flush after the start always goes to the device; here it is of no interest.
        Step(VolumeEvent.Submit(0, 0, RequestOp.Flush));
        Finish();
        Step(VolumeEvent.Submit(0, 0, RequestOp.Write, 0, 4096));
        Finish();
        if (onItsWay)
            Step(VolumeEvent.Submit(0, 3, RequestOp.Write, 12288, 4096));
        seen.Clear();

        Step(VolumeEvent.Submit(0, 1, op, 4096 * (op.HasRange() ? 1 : 0), op.HasRange() ? 4096 : 0, flags));
        Step(VolumeEvent.Submit(0, 2, RequestOp.Write, 8192, 4096));
        Finish();
        return string.Join(' ', seen);

        void Finish()
        {
            while (onDevice.TryDequeue(out int operation))
                Step(VolumeEvent.Completed(operation));
        }

        void Step(in VolumeEvent happened)
        {
            foreach (Effect effect in core.Step(happened, ++now))
            {
                if (effect.Kind is EffectKind.Io or EffectKind.Flush)
                    onDevice.Enqueue(effect.Operation);
                string? sign = effect switch
                {
                    { Kind: EffectKind.Io, Slot: 2 } => ">",
                    { Kind: EffectKind.Io } => effect.Dsync ? "W!" : "W",
                    { Kind: EffectKind.Flush } => "F",
                    { Kind: EffectKind.Reply, Slot: 3 } => "<",
                    { Kind: EffectKind.Reply, Slot: 1 } => effect.Error == 0 ? "=" : "E=",
                    _ => null,
                };
                if (sign is not null)
                    seen.Add(sign);
            }
        }
    }
}

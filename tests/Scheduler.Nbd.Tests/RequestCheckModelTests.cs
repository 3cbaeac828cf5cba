using FsCheck;
using FsCheck.Fluent;
using Scheduler.Nbd.Protocol;

namespace Scheduler.Nbd.Tests;

/// <summary>
/// What is accepted is safe to carry out, and what a model in wide arithmetic calls safe is accepted.
/// </summary>
public class RequestCheckModelTests
{
    // Numbers near the borders that matter: 0, the payload bound, the end of the export, the end of the types.
    private static readonly ulong[] Borders =
        [0, 512, 4096, 0x10000, 0x2000000, 0x4000000, 0x7fffffff, 0xfffffe00, 0xffffffff, ulong.MaxValue - 511];

    private static readonly Negotiated[] Negotiations = [new(false, false), new(true, false), new(true, true)];

    private static readonly Gen<ulong> Number =
        from border in Gen.Elements(Borders)
        from delta in Gen.Elements(-4096L, -512, -1, 0, 1, 512, 4096)
        select unchecked(border + (ulong)delta);

    private static readonly Gen<RequestHeader> Requests =
        from command in Gen.Choose(0, 9)
        from flags in Gen.Frequency((3, Gen.Constant(0)), (2, Gen.Choose(0, 63)))
        from offset in Number
        from length in Number
        select new RequestHeader(
            NbdConstants.RequestMagic, (NbdCommandFlags)flags, (NbdCommand)command, 0, offset, unchecked((uint)length));

    private static readonly Gen<ExportInfo> Exports =
        from size in Gen.Elements(0L, 4096, 0x10000, 0x4000000, 0x100000000, long.MaxValue & ~0xfffL)
        from block in Gen.Elements(1, 512, 4096)
        from payload in Gen.Elements(4096, 0x10000, 0x2000000)
        from readOnly in Gen.Frequency((4, Gen.Constant(false)), (1, Gen.Constant(true)))
        select new ExportInfo("d", size, block, 4096, payload, readOnly);

    [Fact]
    public void The_verdict_agrees_with_the_model()
    {
        Gen<(RequestHeader Request, ExportInfo Export, Negotiated Negotiated)> cases =
            from request in Requests
            from export in Exports
            from negotiated in Gen.Elements(Negotiations)
            select (request, export, negotiated);

        Prop.ForAll(cases.ToArbitrary(), c => Agrees(c.Request, c.Export, c.Negotiated))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(5_000).WithQuietOnSuccess(true));
    }

    private static bool Agrees(RequestHeader request, ExportInfo export, Negotiated negotiated)
    {
        RequestVerdict verdict = RequestCheck.Check(request, export, negotiated);
        if (verdict.Fate == RequestFate.Close)
        {
            return request.Command == NbdCommand.Disconnect
                || (request.Command == NbdCommand.Write && request.Length > 64 << 20);
        }

        bool payloadFits = verdict.PayloadBytes == (request.Command == NbdCommand.Write ? request.Length : 0);
        bool errorFits = (verdict.Fate == RequestFate.Refuse) == (verdict.Error != NbdError.None);
        return payloadFits && errorFits && (verdict.Fate == RequestFate.Accept) == Safe(request, export, negotiated);
    }

    private static bool Safe(RequestHeader request, ExportInfo export, Negotiated negotiated)
    {
        int flags = (int)request.Flags & ~1;
        if (request.Command == NbdCommand.Flush)
            return flags == 0 && request.Offset == 0 && request.Length == 0;

        bool inside = (UInt128)request.Offset + request.Length <= (UInt128)export.Size && request.Length > 0;
        bool aligned = request.Offset % (uint)export.MinBlock == 0 && request.Length % (uint)export.MinBlock == 0;
        bool fits = request.Length <= export.MaxPayload;
        return inside && aligned && request.Command switch
        {
            NbdCommand.Read => fits && (flags == 0 || (flags == 4 && negotiated.StructuredReplies)),
            NbdCommand.Write => fits && flags == 0 && !export.ReadOnly,
            NbdCommand.Trim => flags == 0 && !export.ReadOnly,
            NbdCommand.Cache => flags == 0,
            NbdCommand.WriteZeroes => (flags & ~0x12) == 0 && !export.ReadOnly,
            NbdCommand.BlockStatus => (flags & ~8) == 0 && negotiated.BaseAllocation,
            _ => false,
        };
    }
}

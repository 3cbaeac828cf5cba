// Effects as they are written in traces:
//
//   io#0 r0.1 d0 write 64K+4K dsync     operation 0, for slot 1 of ring 0, at byte 64K of domain 0's device
//   flush#1 d0                          operation 1
//   reply r0.1 ok                       or: reply r0.1 error=5
//   wake 250                            or: wake never
//   record d0 error=5, disconnect r0, released r0, serves#1 r0.1, stopped
namespace Scheduler.Core.Tests.Traces;

/// <summary>Writes effects.</summary>
internal static class TraceEffects
{
    public static string Text(in Effect effect, long baseNs) => effect.Kind switch
    {
        EffectKind.Io => $"io#{effect.Operation} r{effect.Ring}.{effect.Slot} d{effect.Domain} {Op(effect.Op)} "
            + $"{TraceText.Bytes(effect.Offset)}+{TraceText.Bytes(effect.Length)}{(effect.Dsync ? " dsync" : "")}",
        EffectKind.Flush => $"flush#{effect.Operation} d{effect.Domain}",
        EffectKind.Reply => $"reply r{effect.Ring}.{effect.Slot} {(effect.Error == 0 ? "ok" : $"error={effect.Error}")}",
        EffectKind.WakeAt => effect.TimeNs == long.MaxValue ? "wake never" : $"wake {TraceText.Microseconds(effect.TimeNs - baseNs)}",
        EffectKind.RecordFault => $"record d{effect.Domain} error={effect.Error}",
        EffectKind.Disconnect => $"disconnect r{effect.Ring}",
        EffectKind.RingReleased => $"released r{effect.Ring}",
        EffectKind.FlushServes => $"serves#{effect.Operation} r{effect.Ring}.{effect.Slot}",
        EffectKind.Stopped => "stopped",
        _ => throw new ArgumentException($"effect {effect.Kind} is not known", nameof(effect)),
    };

    private static string Op(RequestOp op) => op switch
    {
        RequestOp.BarrierWrite => "barrier",
        _ => op.ToString().ToLowerInvariant(),
    };
}

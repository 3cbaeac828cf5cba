using System.Numerics;

namespace Scheduler.Storage;

/// <summary>The argument checks of <see cref="IBlockDevice.Submit"/>, the same for every device (S2, S6).</summary>
internal static class RequestCheck
{
    /// <summary>Refuses the whole batch if any request in it is malformed.</summary>
    /// <param name="info">The device.</param>
    /// <param name="requests">The batch.</param>
    /// <exception cref="ArgumentException">Names the first bad request and what is wrong with it.</exception>
    public static void All(in DeviceInfo info, ReadOnlySpan<DeviceRequest> requests)
    {
        foreach (ref readonly DeviceRequest request in requests)
        {
            string? defect = Defect(info, request);
            if (defect != null)
                throw new ArgumentException($"Request {request} {defect}.", nameof(requests));
        }
    }

    private static string? Defect(in DeviceInfo info, in DeviceRequest request)
    {
        DeviceFlags allowed = request.Op switch
        {
            DeviceOp.Write => info.SupportsDsync ? DeviceFlags.Dsync : DeviceFlags.None,
            DeviceOp.Zero => DeviceFlags.NoHole | DeviceFlags.FastZero,
            _ => DeviceFlags.None,
        };

        if (request.Op > DeviceOp.Status)
            return "has an unknown operation";
        if ((request.Flags & ~allowed) != 0)
            return "has a flag that its operation does not take here";
        if (request.Op == DeviceOp.Flush)
            return request.Offset == 0 && request.Length == 0 ? null : "is a flush with a range";
        if (request.Offset < 0 || request.Length <= 0 || request.Length > info.Size - request.Offset)
            return $"is outside the device of {info.Size} bytes";
        if (!Aligned(request.Offset | request.Length, info.BlockSize))
            return $"is not aligned to blocks of {info.BlockSize} bytes";
        if (request.Op is DeviceOp.Read or DeviceOp.Write or DeviceOp.Status)
        {
            if (request.Buffer == 0)
                return "has no buffer";
            if (!Aligned(request.Buffer, info.BlockSize))
                return $"has a buffer that is not aligned to blocks of {info.BlockSize} bytes";
        }

        return null;
    }

    private static bool Aligned(long value, int alignment)
    {
        // Block sizes are powers of two.
        return BitOperations.TrailingZeroCount(value) >= BitOperations.Log2((uint)alignment);
    }
}

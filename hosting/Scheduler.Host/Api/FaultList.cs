using System.Text.Json.Serialization;
using Scheduler.Host.Api.Entities;

namespace Scheduler.Host.Api;

/// <summary>A failed sync that fences a flush domain until an operator clears it.</summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Domain">Index of the flush domain in the volume.</param>
/// <param name="Errno">What the sync failed with.</param>
/// <param name="Error">The same in words.</param>
/// <param name="Since">When it failed, if that is known.</param>
internal sealed record FaultItem(string Volume, int Domain, int Errno, string Error, DateTimeOffset? Since);

/// <summary>All faults of a service.</summary>
/// <param name="Faults">By volume in the order of the configuration, then by domain.</param>
internal sealed record FaultList(IReadOnlyList<FaultItem> Faults);

/// <summary>What happened to a fault.</summary>
internal enum FaultWord
{
    /// <summary>A sync failed.</summary>
    Recorded,

    /// <summary>An operator is about to clear it.</summary>
    Clearing,

    /// <summary>It is cleared.</summary>
    Cleared,
}

/// <summary>Something that happened to a volume's faults.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Domain">Index of the flush domain.</param>
/// <param name="Change">What happened.</param>
/// <param name="Errno">Of a sync that failed.</param>
/// <param name="By">Of a clearing: who did it.</param>
/// <param name="At">When, in UTC.</param>
internal sealed record FaultChange(
    long Number, int Domain, [property: JsonConverter(typeof(Word<FaultWord>))] FaultWord Change, int? Errno, string? By, DateTimeOffset At);

/// <summary>What happened, the newest first.</summary>
/// <param name="Items">All of it.</param>
/// <param name="Next">To be given as <c>?to=</c> for what was before; null: nothing.</param>
internal sealed record FaultChangeList(IReadOnlyList<FaultChange> Items, long? Next);

/// <summary>An error, as RFC 9457 has it; here what a client reads of it.</summary>
/// <param name="Title">Its kind.</param>
/// <param name="Detail">What happened, for a reader.</param>
internal sealed record Problem(string? Title, string? Detail);

/// <summary>How the API's types are written as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FaultList))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class ApiJson : JsonSerializerContext;

namespace Scheduler.Host.Configuration;

/// <summary>Resolved HOCON as a source of Microsoft.Extensions.Configuration.</summary>
/// <param name="document">Read and checked; the source never reads a file again.</param>
internal sealed class HoconConfigurationSource(HoconDocument document) : IConfigurationSource
{
    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new Provider(document);

    private sealed class Provider(HoconDocument document) : ConfigurationProvider
    {
        public override void Load() =>
            Data = new Dictionary<string, string?>(document.Values, StringComparer.OrdinalIgnoreCase);

        public override string ToString() => "HOCON";
    }
}
